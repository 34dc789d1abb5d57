package dev.altair.sample.desktop

import androidx.compose.ui.input.key.Key
import androidx.compose.ui.test.hasTestTag
import dev.altair.model.Due
import dev.altair.model.Kind
import dev.altair.model.Quantity
import dev.altair.model.QuestStatus
import dev.altair.sample.Section
import kotlinx.coroutines.runBlocking
import kotlinx.datetime.LocalDate
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertTrue
import kotlin.time.Duration.Companion.seconds
import kotlin.time.TimeSource

/** Clicks, types and reads, as somebody at work does. */
class WorkTest {
    @Test
    fun a_thought_becomes_a_note_with_a_preview() = withApp {
        focused("capture")
        type("capture", "Water the figs")
        key("capture", Key.Enter)
        seeText("Water the figs", inside = "list")
        pressText("Water the figs", inside = "list")
        press("triage:Note")
        seeText("All triaged")
        press("statement-open")
        type("body", "# Every Friday\n\nTwo cans each.")
        seeText("Every Friday", inside = "preview")
        seeText("Two cans each.", inside = "preview")
        untilStored("the body", { notes.list().items.single().body }) { it == "# Every Friday\n\nTwo cans each." }
    }

    @Test
    fun captures_are_triaged_by_keys_one_after_the_other() = withApp({
        listOf("Eggs", "Cellar", "Prune the figs").forEach { inbox.capture(it) }
    }) {
        pressText("Prune the figs", inside = "list")
        seeText("Prune the figs", inside = "capture-pane")
        key("list", Key.Q)
        untilStored("a quest", { quests.list().items.map { it.title } }) { it == listOf("Prune the figs") }
        seeText("Cellar", inside = "capture-pane")
        key("list", Key.L)
        untilStored("a location", { locations.list().items.map { it.title } }) { it == listOf("Cellar") }
        seeText("Eggs", inside = "capture-pane")
        key("list", Key.I)
        untilStored("an item", { items.list().items.map { it.title } }) { it == listOf("Eggs") }
        seeText("All triaged")
    }

    @Test
    fun search_finds_as_one_types_and_opens() = withApp({
        notes.create("Figs", "They are ripening on the south wall")
        notes.create("Plums", "Still green")
    }) {
        key("capture", Key.K, listOf(Key.CtrlLeft))
        focused("query")
        type("query", "ripen")
        seeText("ripening on the south wall", inside = "hits")
        key("query", Key.Enter)
        see("no search", hasTestTag("query"), count = 0)
        until("the note is open") { workspace.editor.state.value?.title?.text == "Figs" }
        seeText("They are ripening", inside = "preview")
    }

    @Test
    fun what_is_opened_from_afar_is_in_sight_in_its_list() = withApp({
        notes.create("Figs", "The oldest")
        repeat(60) { notes.create("Note $it") }
    }) {
        press("search-button")
        type("query", "oldest")
        key("query", Key.Enter)
        seeText("Figs", inside = "list")
    }

    @Test
    fun the_search_is_walked_by_arrows_and_left_by_escape() = withApp({
        repeat(3) { notes.create("Fig $it", "ripe") }
    }) {
        press("search-button")
        type("query", "ripe")
        see("three answers", hasTestTag("hit"), count = 3)
        key("query", Key.DirectionDown)
        key("query", Key.DirectionDown)
        key("query", Key.DirectionUp)
        until("the second is selected") { workspace.search.state.value.selected == 1 }
        key("query", Key.Escape)
        see("no search", hasTestTag("query"), count = 0)
    }

    @Test
    fun a_backlink_is_followed_and_the_way_back_is_there() = withApp({
        notes.create("Plums", "Sweet")
        notes.create("Figs", "Like [[Plums]].")
    }) {
        go(Section.Notes)
        pressText("Sweet", inside = "list")
        seeText("Figs", inside = "preview")
        press("backlink")
        until("the note is open") { workspace.editor.state.value?.title?.text == "Figs" }
        seeText("Like Plums.", inside = "preview")
        key("body", Key.DirectionLeft, listOf(Key.AltLeft))
        until("the first note is open") { workspace.editor.state.value?.title?.text == "Plums" }
    }

    @Test
    fun control_z_undoes_the_last_act_where_no_text_is_edited() = withApp({ notes.create("Figs", "One") }) {
        go(Section.Notes)
        pressText("Figs", inside = "list")
        retype("body", "Two")
        untilStored("the change", { notes.list().items.single().body }) { it == "Two" }
        seeText("Two", inside = "preview")
        pressText("Figs", inside = "list")
        key("list", Key.Z, listOf(Key.CtrlLeft))
        seeText("One", inside = "preview")
        untilStored("what was before", { notes.list().items.single().body }) { it == "One" }
        key("list", Key.Z, listOf(Key.CtrlLeft, Key.ShiftLeft))
        seeText("Two", inside = "preview")
    }

    @Test
    fun control_z_in_a_text_undoes_the_typing() = withApp({ notes.create("Figs", "") }) {
        go(Section.Notes)
        pressText("Figs", inside = "list")
        type("body", "Wrong")
        seeText("Wrong", inside = "preview")
        key("body", Key.Z, listOf(Key.CtrlLeft))
        untilStored("nothing", { notes.list().items.single().body }) { it == "" }
        assertEquals(null, workspace.statements.current.value)
    }

    @Test
    fun what_is_deleted_is_restored_from_the_trash() = withApp({ notes.create("Figs", "Ripe") }) {
        go(Section.Notes)
        pressText("Figs", inside = "list")
        press("delete")
        seeText("No notes yet")
        go(Section.Trash)
        pressText("Figs", inside = "list")
        press("restore")
        seeText("The trash is empty")
        go(Section.Notes)
        seeText("Figs", inside = "list")
    }

    @Test
    fun erasing_asks_first() = withApp({ entities.delete(notes.create("Figs").id) }) {
        go(Section.Trash)
        pressText("Figs", inside = "list")
        press("erase")
        seeText("There is no way back.")
        press("keep")
        seeText("Figs", inside = "list")
        press("erase")
        press("erase-for-good")
        seeText("The trash is empty")
        assertTrue(runBlocking { altair.trash.list().items.isEmpty() })
    }

    @Test
    fun history_brings_an_earlier_version_back() = withApp({
        val note = notes.create("Figs", "One")
        notes.edit(note.id) { body = "Two" }
    }) {
        go(Section.Notes)
        pressText("Figs", inside = "list")
        press("history")
        press("restore-version")
        seeText("One", inside = "preview")
        untilStored("the first version", { notes.list().items.single().body }) { it == "One" }
    }

    @Test
    fun a_quest_gets_its_energy_its_day_and_its_end() = withApp {
        go(Section.Quests)
        type("new", "Prune the figs")
        key("new", Key.Enter)
        press("energy:3")
        press("status:Active")
        type("due", "2026-12-24")
        key("due", Key.Enter)
        untilStored("the quest", { quests.list().items.single() }) {
            it.energy == 3 && it.status == QuestStatus.Active && it.due == Due.Day(LocalDate(2026, 12, 24))
        }
        press("tick")
        untilStored("its end", { quests.list().items.single().status }) { it == QuestStatus.Completed }
    }

    @Test
    fun an_item_is_counted() = withApp({ items.create("Eggs") { quantity = Quantity.of(9) } }) {
        go(Section.Items)
        press("more")
        seeText("10", inside = "list")
        press("less")
        press("less")
        seeText("8", inside = "list")
        untilStored("eight", { items.list().items.single().quantity }) { it == Quantity.of(8) }
    }

    @Test
    fun keys_lead_to_every_section_and_back_to_the_capture() = withApp({ notes.create("Figs") }) {
        key("capture", Key.Two, listOf(Key.CtrlLeft))
        pressText("Figs", inside = "list")
        listOf(Key.One, Key.Two, Key.Three, Key.Four, Key.Five, Key.Six, Key.Seven).zip(Section.entries).forEach { (digit, section) ->
            key("capture", digit, listOf(Key.CtrlLeft))
            until("$section") { workspace.navigation.place.value.section == section }
        }
        key("capture", Key.Spacebar, listOf(Key.CtrlLeft))
        focused("capture")
    }

    @Test
    fun what_somebody_else_writes_is_there_within_a_second() = withApp({ notes.create("Figs", "Green") }) {
        go(Section.Notes)
        pressText("Figs", inside = "list")
        seeText("Green", inside = "preview")
        val began = TimeSource.Monotonic.markNow()
        runBlocking {
            val note = altair.notes.list().items.single()
            altair.notes.edit(note.id) { body = "Ripe since today" }
            altair.notes.create("Plums")
        }
        seeText("Ripe since today", inside = "preview")
        seeText("Plums", inside = "list")
        assertTrue(began.elapsedNow() < 1.seconds, "it took ${began.elapsedNow()}")
    }

    @Test
    fun what_somebody_else_writes_is_merged_with_what_is_being_typed() = withApp({ notes.create("Figs", "Figs\nPlums") }) {
        go(Section.Notes)
        pressText("Figs", inside = "list")
        type("body", " and quinces")
        runBlocking {
            val note = altair.notes.list().items.single()
            altair.notes.edit(note.id) { body = "Fruit:\n" + note.body }
        }
        type("body", "!")
        untilStored("both", { notes.list().items.single().body }) {
            it.startsWith("Fruit:\n") &&
                " and quinces" in it &&
                it.count { sign -> sign == '!' } == 1
        }
    }

    @Test
    fun the_last_keys_before_leaving_are_kept() = withApp({ notes.create("Figs", "") }) {
        go(Section.Notes)
        pressText("Figs", inside = "list")
        type("body", "Last words")
        workspace.navigation.leave()
        untilStored("the words", { notes.list().items.single().body }) { it == "Last words" }
    }

    @Test
    fun trouble_is_stated_and_dismissed() = withApp {
        go(Section.Import)
        type("folder", "/no/such/folder")
        key("folder", Key.Enter)
        see("a statement", hasTestTag("statement"))
        press("dismiss")
        see("no statement", hasTestTag("statement"), count = 0)
    }

    @Test
    fun the_status_line_counts() = withApp({ repeat(3) { notes.create("Note $it") } }) {
        seeText("3 notes", inside = "status")
        runBlocking { altair.quests.create("Prune") }
        seeText("1 quest", inside = "status")
        assertEquals(1L, runBlocking { altair.status().counts[Kind.Quest] })
    }
}
