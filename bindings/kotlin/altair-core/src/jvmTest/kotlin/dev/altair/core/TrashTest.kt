package dev.altair.core

import app.cash.turbine.test
import dev.altair.model.AltairException
import kotlinx.coroutines.flow.toList
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFalse
import kotlin.test.assertTrue

class TrashTest {
    @Test
    fun `what is deleted is in the trash and comes back with its links`() = withStore { altair ->
        val figs = altair.notes.create("Figs", "#garden")
        val plan = altair.quests.create("Plan")
        altair.entities.link(plan.id, figs.id, "about")
        assertTrue(altair.entities.delete(figs.id).deleted)
        assertEquals(emptyList(), altair.notes.list().items)
        assertEquals(listOf(figs.id), altair.trash.list().items.map { it.id })
        assertEquals(emptyList(), altair.entities.details(plan.id).links)
        assertTrue(altair.notes.get(figs.id).deleted)

        assertFalse(altair.trash.restore(figs.id).deleted)
        assertEquals(emptyList(), altair.trash.list().items)
        assertEquals(figs.id, altair.entities.details(plan.id).links.single().id)
        assertEquals(listOf("garden"), altair.notes.get(figs.id).tags)
    }

    @Test
    fun `what is deleted twice or restored unasked is refused`() = withStore { altair ->
        val figs = altair.notes.create("Figs")
        fails<AltairException.Refused> { altair.trash.restore(figs.id) }
        altair.entities.delete(figs.id)
        fails<AltairException.Refused> { altair.entities.delete(figs.id) }
        fails<AltairException.Refused> { altair.notes.edit(figs.id) { title = "x" } }
        fails<AltairException.Refused> { altair.entities.tag(figs.id, listOf("x")) }
    }

    @Test
    fun `what is erased is gone with its history`() = withStore { altair ->
        val secret = altair.notes.create("Secret", "unrepeatable")
        assertEquals("Secret", altair.trash.erase(secret.id).title)
        fails<AltairException.NotFound> { altair.notes.get(secret.id) }
        fails<AltairException.NotFound> { altair.history.of(secret.id) }
        fails<AltairException.NotFound> { altair.trash.erase(secret.id) }
        assertEquals(emptyList(), altair.search.find("unrepeatable").items)
        assertEquals(emptyList(), altair.trash.list().items)
        altair.assertSound()
    }

    @Test
    fun `purging erases what has been in the trash long enough`() = withStore { altair ->
        val old = altair.notes.create("Old")
        val kept = altair.notes.create("Kept")
        altair.entities.delete(old.id)
        assertEquals(emptyList(), altair.trash.purge(30))
        assertEquals(emptyList(), altair.trash.purge(Int.MAX_VALUE))
        for (wrong in listOf(-1, Int.MIN_VALUE)) fails<AltairException.Invalid> { altair.trash.purge(wrong) }
        assertEquals(listOf(old.id), altair.trash.list().items.map { it.id })
        assertEquals(listOf(old.id), altair.trash.purge(0))
        assertEquals(emptyList(), altair.trash.list().items)
        assertEquals(listOf(kept.id), altair.notes.list().items.map { it.id })
    }

    @Test
    fun `the trash holds every kind and is read page by page`() = withStore { altair ->
        val all = listOf(
            altair.inbox.capture("thought").id,
            altair.notes.create("note").id,
            altair.quests.create("quest").id,
            altair.items.create("item").id,
            altair.locations.create("location").id,
        )
        for (id in all) altair.entities.delete(id)
        assertEquals(all.toSet(), altair.trash.all().toList().map { it.id }.toSet())
        assertEquals(all.toSet(), whole { altair.trash.list(limit = 2, after = it) }.map { it.id }.toSet())
        assertEquals(5, altair.status().trashed)
    }

    @Test
    fun `the trash is watched`() = withStore { altair ->
        val figs = altair.notes.create("Figs")
        altair.trash.watch().test(timeout = DEADLINE) {
            assertEquals(emptyList(), awaitItem().items)
            altair.entities.delete(figs.id)
            assertEquals(listOf(figs.id), awaitItem().items.map { it.id })
            altair.trash.restore(figs.id)
            assertEquals(emptyList(), awaitItem().items)
            cancelAndIgnoreRemainingEvents()
        }
    }
}
