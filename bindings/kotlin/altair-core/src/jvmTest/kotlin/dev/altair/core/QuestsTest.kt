package dev.altair.core

import app.cash.turbine.test
import dev.altair.model.AltairException
import dev.altair.model.Due
import dev.altair.model.EntityId
import dev.altair.model.QuestStatus
import kotlinx.coroutines.flow.toList
import kotlinx.datetime.Instant
import kotlinx.datetime.LocalDate
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertNull
import dev.altair.core.ffi.OpenOptions as FfiOptions

class QuestsTest {
    @Test
    fun `a quest keeps what it is given`() = withStore { altair ->
        val garden = altair.quests.create("Garden")
        val quest = altair.quests.create("Prune the figs") {
            body = "Before spring."
            append("With care.")
            status = QuestStatus.Active
            energy = 3
            due = Due.Day(LocalDate(2026, 12, 24))
            parent = garden.id
        }
        assertEquals("Prune the figs" to "Before spring.\nWith care.", quest.title to quest.body)
        assertEquals(QuestStatus.Active, quest.status)
        assertEquals(3, quest.energy)
        assertEquals<Due?>(Due.Day(LocalDate(2026, 12, 24)), quest.due)
        assertEquals(garden.id, quest.parent)
        assertEquals(quest, altair.quests.get(quest.id))
    }

    @Test
    fun `a quest needs nothing`() = withStore { altair ->
        val quest = altair.quests.create()
        assertEquals("" to "", quest.title to quest.body)
        assertEquals(QuestStatus.Backlog, quest.status)
        assertNull(quest.energy)
        assertNull(quest.due)
        assertNull(quest.parent)
    }

    @Test
    fun `null clears and silence leaves alone`() = withStore { altair ->
        val garden = altair.quests.create("Garden")
        val quest = altair.quests.create("Prune") {
            energy = 5
            due = Due.Moment(Instant.parse("2026-12-24T18:00:00Z"))
            parent = garden.id
        }
        val renamed = altair.quests.edit(quest.id) { title = "Prune the figs" }
        assertEquals(quest.copy(title = "Prune the figs", updatedAt = renamed.updatedAt), renamed)
        val cleared = altair.quests.edit(quest.id) {
            energy = null
            due = null
            parent = null
        }
        assertEquals(renamed.copy(energy = null, due = null, parent = null, updatedAt = cleared.updatedAt), cleared)
    }

    @Test
    fun `a quest takes every status and is completed`() = withStore { altair ->
        val quest = altair.quests.create("Prune")
        for (wanted in QuestStatus.entries) {
            assertEquals(wanted, altair.quests.edit(quest.id) { status = wanted }.status)
            assertEquals(wanted, altair.quests.get(quest.id).status)
        }
        assertEquals(QuestStatus.Completed, altair.quests.complete(quest.id).status)
        assertEquals(QuestStatus.Completed, altair.quests.complete(quest.id).status)
    }

    @Test
    fun `energy goes from one to five`() = withStore { altair ->
        val quest = altair.quests.create("Prune")
        for (fitting in 1..5) assertEquals(fitting, altair.quests.edit(quest.id) { energy = fitting }.energy)
        for (wrong in listOf(9, 6, 0, -1, Int.MAX_VALUE, Int.MIN_VALUE)) {
            fails<AltairException.Invalid> { altair.quests.edit(quest.id) { energy = wrong } }
            fails<AltairException.Invalid> { altair.quests.create("Rest") { energy = wrong } }
        }
        assertEquals(5, altair.quests.get(quest.id).energy)
        assertEquals(1, altair.quests.list().items.size)
    }

    @Test
    fun `every due that a calendar holds comes back as it was given`() = withStore { altair ->
        val quest = altair.quests.create("Prune")
        val dues = listOf(
            Due.Day(LocalDate(2028, 2, 29)),
            Due.Day(LocalDate(1, 1, 1)),
            Due.Day(LocalDate(9999, 12, 31)),
            Due.Moment(Instant.parse("2026-12-24T18:00:00Z")),
            Due.Moment(Instant.parse("2026-12-24T18:00:00.123456789Z")),
            Due.Moment(Instant.fromEpochSeconds(0)),
            Due.Moment(Instant.parse("0001-01-01T00:00:00Z")),
            Due.Moment(Instant.parse("9999-12-30T00:00:00Z")),
        )
        for (wanted in dues) assertEquals<Due?>(wanted, altair.quests.edit(quest.id) { due = wanted }.due)
        val beyond = listOf(
            Due.Day(LocalDate(10_000, 1, 1)),
            Due.Day(LocalDate(-1, 1, 1)),
            Due.Moment(Instant.DISTANT_FUTURE),
            Due.Moment(Instant.DISTANT_PAST),
        )
        for (wrong in beyond) fails<AltairException.Invalid> { altair.quests.edit(quest.id) { due = wrong } }
        assertEquals<Due?>(dues.last(), altair.quests.get(quest.id).due)
    }

    /** The command line and other devices give what the engine takes, which is more than Kotlin writes. */
    @Test
    fun `a due that was written in another form is still there`() = withFolder { folder ->
        val store = dev.altair.core.ffi.open(folder.resolve("store").toString(), FfiOptions(0, 1L shl 20, false))
        val forms = listOf("2026-12-24", "2026-12-24T18:00:00Z", "2026-12-24T19:00:00+01:00", "2026-12-24 18:00:00Z", "2026-12-24T18:00Z", "20261224T180000Z")
        for (form in forms) {
            store.create(dev.altair.core.ffi.Kind.QUEST, Parts().apply { set(Part.Title, form) }.toFfi().copy(due = form))
        }
        store.shutdown()
        store.destroy()
        open(folder).use { altair ->
            val evening = Due.Moment(Instant.parse("2026-12-24T18:00:00Z"))
            for (quest in altair.quests.all().toList()) {
                assertEquals(if (quest.title == "2026-12-24") Due.Day(LocalDate(2026, 12, 24)) else evening, quest.due, quest.title)
            }
        }
    }

    @Test
    fun `a quest's parent is another quest and no circle`() = withStore { altair ->
        val garden = altair.quests.create("Garden")
        val figs = altair.quests.create("Figs") { parent = garden.id }
        val note = altair.notes.create("Figs")
        fails<AltairException.Invalid> { altair.quests.edit(garden.id) { parent = figs.id } }
        fails<AltairException.Invalid> { altair.quests.edit(garden.id) { parent = garden.id } }
        fails<AltairException.Invalid> { altair.quests.edit(garden.id) { parent = note.id } }
        fails<AltairException.NotFound> { altair.quests.edit(garden.id) { parent = EntityId("0197b5d8-7f00-7000-8000-000000000000") } }
        fails<AltairException.Invalid> { altair.quests.edit(garden.id) { parent = EntityId("nothing") } }
        assertNull(altair.quests.get(garden.id).parent)
    }

    @Test
    fun `quests are listed and watched`() = withStore { altair ->
        val one = altair.quests.create("One")
        val two = altair.quests.create("Two") { append("#garden") }
        assertEquals(listOf(two.id, one.id), altair.quests.list().items.map { it.id })
        assertEquals(listOf(two.id, one.id), altair.quests.all().toList().map { it.id })
        altair.quests.watch(limit = 1).test(timeout = DEADLINE) {
            assertEquals(listOf(two.id), awaitItem().items.map { it.id })
            val three = altair.quests.create("Three")
            assertEquals(listOf(three.id), awaitItem().items.map { it.id })
            altair.notes.create("no quest")
            expectNoEvents()
            cancelAndIgnoreRemainingEvents()
        }
    }

    @Test
    fun `an edit for quests does not change another kind of thing`() = withStore { altair ->
        val note = altair.notes.create("Figs", "sun")
        fails<AltairException.Invalid> { altair.quests.edit(note.id) { body = "shade" } }
        assertEquals("sun", altair.notes.get(note.id).body)
    }

    @Test
    fun `a body that was made of an older one is merged with what came since`() = withStore { altair ->
        val quest = altair.quests.create("Shop") { body = "milk\n" }
        altair.quests.edit(quest.id) { append("figs") }
        assertEquals("oat milk\nfigs", altair.quests.edit(quest.id) { body("oat milk\n", base = quest.body) }.body)
        fails<AltairException.Refused> { altair.quests.edit(quest.id) { body("eggs", base = "never was that") } }
    }
}
