package dev.altair.core

import dev.altair.model.Kind
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertNull
import kotlin.test.assertTrue

class StatusTest {
    @Test
    fun `the status tells how the store stands`() = withHost { altair ->
        val figs = altair.notes.create("Figs")
        altair.notes.create("Plums")
        altair.quests.create("Prune")
        altair.items.create("Eggs")
        altair.locations.create("Pantry")
        altair.inbox.capture("thought")
        altair.entities.delete(figs.id)
        altair.search.find("plums")
        val status = altair.status()
        assertEquals(Altair.version, status.version)
        val expected = mapOf(Kind.Capture to 1L, Kind.Note to 1L, Kind.Quest to 1L, Kind.Item to 1L, Kind.Location to 1L)
        assertEquals(expected, status.counts.filterValues { it > 0 })
        assertEquals(1, status.trashed)
        assertEquals(0, status.conflicts)
        assertTrue(status.sizes.store > 0 && status.sizes.search > 0)
        assertEquals("ok", status.health)
        assertEquals("off", status.sync.state)
        assertNull(status.sync.server)
        assertEquals(emptyList(), status.sync.faults)
        assertEquals(0, status.sync.held)
        assertEquals(ProcessHandle.current().pid(), status.host.pid)
        assertEquals("host", status.host.role)
    }

    @Test
    fun `the doctor reads the whole store`() = withStore { altair ->
        repeat(10) { altair.notes.create("note $it", "text [[note ${it + 1}]]") }
        val diagnosis = altair.doctor()
        assertEquals("ok", diagnosis.health)
        assertEquals(10L to 10L, diagnosis.entities to diagnosis.changes)
        assertEquals(0, diagnosis.blobs)
        assertEquals(emptyList(), diagnosis.problems)
    }

    @Test
    fun `the version is a version`() {
        assertTrue(Regex("""\d+\.\d+\.\d+.*""").matches(Altair.version), Altair.version)
    }
}
