package dev.altair.core

import app.cash.turbine.test
import dev.altair.model.AltairException
import dev.altair.model.Conflict
import kotlinx.datetime.Clock
import kotlinx.serialization.json.JsonPrimitive
import kotlin.test.Test
import kotlin.test.assertEquals

/** One device alone has no conflicts; what two have is tested with the engine. Here: that they can be asked for. */
class ConflictsTest {
    @Test
    fun `one device alone has no conflicts`() = withStore { altair ->
        val note = altair.notes.create("Figs")
        repeat(3) { altair.notes.edit(note.id) { title = "Figs $it" } }
        assertEquals(emptyList(), altair.conflicts.list())
        assertEquals(emptyList(), altair.entities.details(note.id).conflicts)
        assertEquals(0, altair.status().conflicts)
    }

    @Test
    fun `conflicts are watched`() = withStore { altair ->
        altair.conflicts.watch().test(timeout = DEADLINE) {
            assertEquals(emptyList(), awaitItem())
            altair.notes.create("Figs")
            assertEquals(emptyList(), awaitItem())
            cancelAndIgnoreRemainingEvents()
        }
    }

    @Test
    fun `a conflict that is not there cannot be resolved`() = withStore { altair ->
        val note = altair.notes.create("Figs")
        val head = Conflict.Head("h", JsonPrimitive("Figs"), Clock.System.now(), note.createdBy)
        val gone = Conflict("0197b5d8-7f00-7000-8000-000000000000", note.id, "title", listOf(head))
        fails<AltairException.NotFound> { altair.conflicts.resolve(gone, head) }
        fails<AltairException.NotFound> { altair.conflicts.resolve(gone, JsonPrimitive("Figs")) }
        for (wrong in listOf("", "x", "\u0000")) {
            fails<AltairException.Invalid> { altair.conflicts.resolve(gone.copy(id = wrong), head) }
        }
        assertEquals("Figs", altair.notes.get(note.id).title)
    }
}
