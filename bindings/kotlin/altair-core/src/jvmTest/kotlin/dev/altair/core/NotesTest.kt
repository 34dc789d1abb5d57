package dev.altair.core

import app.cash.turbine.test
import dev.altair.model.AltairException
import dev.altair.model.Kind
import kotlinx.coroutines.flow.toList
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertNull
import kotlin.test.assertTrue

class NotesTest {
    @Test
    fun `a note keeps its title and its body`() = withStore { altair ->
        val note = altair.notes.create("Figs", "They want *sun*.\n\n#garden/trees")
        assertEquals("Figs" to "They want *sun*.\n\n#garden/trees", note.title to note.body)
        assertEquals(listOf("garden/trees"), note.tags)
        assertEquals(Kind.Note, note.kind)
        assertNull(note.path)
        assertEquals(emptyList(), note.aliases)
        assertEquals(emptyMap(), note.properties)
        assertEquals(note, altair.notes.get(note.id))
    }

    @Test
    fun `a note may be empty`() = withStore { altair ->
        val note = altair.notes.create()
        assertEquals("" to "", note.title to note.body)
    }

    @Test
    fun `an edit changes what it names and nothing else`() = withStore { altair ->
        val note = altair.notes.create("Figs", "sun")
        assertEquals("Fig trees" to "sun", altair.notes.edit(note.id) { title = "Fig trees" }.let { it.title to it.body })
        assertEquals("Fig trees" to "shade", altair.notes.edit(note.id) { body = "shade" }.let { it.title to it.body })
        assertEquals("shade\nwater", altair.notes.edit(note.id) { append("water") }.body)
        val both = altair.notes.edit(note.id) {
            title = "F"
            body = "b"
            append("c")
        }
        assertEquals("F" to "b\nc", both.title to both.body)
        assertTrue(both.updatedAt >= note.updatedAt)
        assertEquals("", altair.notes.edit(note.id) { body = "" }.body)
    }

    @Test
    fun `an edit that names nothing is refused`() = withStore { altair ->
        val note = altair.notes.create("Figs")
        fails<AltairException.Invalid> { altair.notes.edit(note.id) { } }
    }

    @Test
    fun `a title is one line of at most a thousand characters`() = withStore { altair ->
        assertEquals("x".repeat(1000), altair.notes.create("x".repeat(1000)).title)
        for (title in listOf("x".repeat(1001), "two\nlines", "bell \u0007")) {
            fails<AltairException.Invalid> { altair.notes.create(title) }
        }
        assertEquals(1, altair.notes.list().items.size)
    }

    @Test
    fun `notes are listed newest first, all or those with a tag`() = withStore { altair ->
        val notes = List(5) { altair.notes.create("note $it", if (it % 2 == 0) "#garden" else "") }.map { it.id }.reversed()
        assertEquals(notes, altair.notes.list().items.map { it.id })
        assertEquals(notes, altair.notes.all().toList().map { it.id })
        val garden = listOf(notes[0], notes[2], notes[4])
        assertEquals(garden, altair.notes.list(tag = "garden").items.map { it.id })
        assertEquals(garden, altair.notes.all(tag = "GARDEN").toList().map { it.id })
        assertEquals(garden, whole { altair.notes.list(limit = 1, after = it, tag = "garden") }.map { it.id })
        assertEquals(emptyList(), altair.notes.list(tag = "kitchen").items)
    }

    @Test
    fun `who watches notes sees them now and after every change`() = withStore { altair ->
        altair.notes.watch(tag = "garden").test(timeout = DEADLINE) {
            assertEquals(emptyList(), awaitItem().items)
            val note = altair.notes.create("Figs", "#garden")
            assertEquals(listOf("Figs"), awaitItem().items.map { it.title })
            altair.notes.edit(note.id) { title = "Fig trees" }
            assertEquals(listOf("Fig trees"), awaitItem().items.map { it.title })
            altair.entities.delete(note.id)
            assertEquals(emptyList(), awaitItem().items)
            cancelAndIgnoreRemainingEvents()
        }
    }

    @Test
    fun `another kind of thing is no note`() = withStore { altair ->
        val quest = altair.quests.create("Prune")
        val error = fails<AltairException.Invalid> { altair.notes.get(quest.id) }
        assertTrue("quest" in error.what && "note" in error.what, error.what)
    }

    @Test
    fun `an edit for notes does not change another kind of thing`() = withStore { altair ->
        val quest = altair.quests.create("Prune")
        fails<AltairException.Invalid> { altair.notes.edit(quest.id) { title = "Figs" } }
        assertEquals("Prune", altair.quests.get(quest.id).title)
    }

    @Test
    fun `a body that was made of an older one is merged with what came since`() = withStore { altair ->
        val list = altair.notes.create("List", "milk\nbread\n")
        altair.notes.edit(list.id) { append("figs") }
        val merged = altair.notes.edit(list.id) { body("oat milk\nbread\n", base = list.body) }
        assertEquals("oat milk\nbread\nfigs", merged.body)
        fails<AltairException.Refused> { altair.notes.edit(list.id) { body("eggs", base = "never was that") } }
        assertEquals(merged, altair.notes.get(list.id))
        // Done again, it is done once; and a body without a base writes over what is there.
        assertEquals(merged, altair.notes.edit(list.id) { body(merged.body, base = list.body) })
        val over = altair.notes.edit(list.id) {
            body("eggs", base = "never was that")
            body = "nothing but eggs"
        }
        assertEquals("nothing but eggs", over.body)
    }
}
