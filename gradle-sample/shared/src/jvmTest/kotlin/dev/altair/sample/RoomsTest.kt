package dev.altair.sample

import app.cash.turbine.test
import dev.altair.model.Due
import dev.altair.model.Kind
import dev.altair.model.Quantity
import dev.altair.model.QuestStatus
import kotlinx.datetime.LocalDate
import java.io.File
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertNotNull
import kotlin.test.assertNull
import kotlin.test.assertTrue

class RoomsTest {
    @Test
    fun quests_stand_by_status_and_by_due_day() = withWorkspace {
        altair.quests.create("Some day")
        altair.quests.create("Done") { status = QuestStatus.Completed }
        val later = altair.quests.create("Later") { status = QuestStatus.Active }
        val soon = altair.quests.create("Soon") { status = QuestStatus.Active }
        workspace.quests.setDue(soon.id, Due.Day(LocalDate(2026, 5, 1))).join()
        workspace.quests.setDue(later.id, Due.Day(LocalDate(2026, 6, 1))).join()
        val groups = workspace.quests.groups.await { groups -> groups.sumOf { it.quests.size } == 4 && groups[0].quests[0].due != null }
        assertEquals(listOf(QuestStatus.Active, QuestStatus.Backlog, QuestStatus.Completed), groups.map { it.status })
        assertEquals(listOf("Soon", "Later"), groups.first().quests.map { it.title })
    }

    @Test
    fun a_quest_is_ticked_off_and_taken_up_again() = withWorkspace {
        val quest = altair.quests.create("Prune")
        workspace.quests.toggle(quest).join()
        assertEquals(QuestStatus.Completed, altair.quests.get(quest.id).status)
        workspace.quests.toggle(altair.quests.get(quest.id)).join()
        assertEquals(QuestStatus.Active, altair.quests.get(quest.id).status)
    }

    @Test
    fun an_energy_that_can_not_be_is_stated() = withWorkspace {
        val quest = altair.quests.create("Prune")
        workspace.quests.setEnergy(quest.id, 9).join()
        assertEquals(Statement.Tone.Trouble, workspace.statements.current.value?.tone)
        workspace.quests.setEnergy(quest.id, 5).join()
        assertEquals(5, altair.quests.get(quest.id).energy)
    }

    @Test
    fun items_are_counted() = withWorkspace {
        workspace.items.create("Eggs").join()
        val eggs = workspace.items.items.await { it.things.isNotEmpty() }.things.single()
        List(5) { workspace.items.count(eggs.id, 1) }.forEach { it.join() }
        workspace.items.count(eggs.id, -2).join()
        assertEquals(Quantity.of(3), workspace.items.items.await { it.things.single().quantity == Quantity.of(3) }.things.single().quantity)
        assertEquals(Place(Section.Items, eggs.id), workspace.navigation.place.value)
    }

    @Test
    fun locations_are_a_tree() = withWorkspace {
        val cellar = altair.locations.create("Cellar")
        altair.locations.create("Shelf", cellar.id)
        altair.locations.create("Attic")
        val tree = workspace.locations.tree.await { it.size == 3 }
        assertEquals(listOf("Attic" to 0, "Cellar" to 0, "Shelf" to 1), tree.map { it.location.title to it.depth })
    }

    @Test
    fun search_answers_as_one_types() = withWorkspace {
        altair.notes.create("Figs", "They are ripening on the south wall")
        altair.notes.create("Plums", "Still green")
        workspace.search.open()
        workspace.search.search("ripen")
        val hit = workspace.search.state.await { it.found }.hits.single()
        assertEquals("Figs", hit.title)
        assertEquals("ripening", hit.snippet.text.substring(hit.snippet.highlights.single()))
        val more = altair.notes.create("Quinces", "They ripen last")
        workspace.search.state.await { state -> state.hits.any { it.id == more.id } }
        workspace.search.search("kind:fruit")
        assertNotNull(workspace.search.state.await { it.hint != null }.hint)
        workspace.search.search("nothing of this sort")
        assertTrue(workspace.search.state.await { it.nothingFound }.hits.isEmpty())
        workspace.search.search("green")
        workspace.search.state.await { it.answered == "green" && it.found }
        workspace.search.choose()
        assertEquals(Section.Notes, workspace.navigation.place.value.section)
        assertEquals(SearchState(), workspace.search.state.value)
    }

    @Test
    fun a_query_that_is_not_understood_shows_no_other_answers() = withWorkspace {
        altair.notes.create("Figs")
        workspace.search.open()
        workspace.search.search("figs")
        workspace.search.state.await { it.found }
        workspace.search.search("kind:fruit")
        workspace.search.choose()
        val state = workspace.search.state.await { it.hint != null }
        assertEquals(listOf(false, true, false), listOf(state.found, state.upToDate, state.choosing))
        workspace.search.choose()
        assertNull(workspace.navigation.place.value.open)
        workspace.search.search("figs")
        assertNull(workspace.search.state.await { it.found }.hint)
    }

    @Test
    fun a_file_that_is_not_there_any_more_is_stated() = withWorkspace {
        val figs = altair.notes.create("Figs")
        val file = directory.resolveSibling("${directory.name}.txt").apply { writeText("the bytes of a picture") }
        val id = altair.attachments.attach(figs.id, file.path).id
        assertNotNull(workspace.fileOf(id)).let { File(it.path).delete() }
        assertNull(workspace.fileOf(id))
        assertEquals(Statement.Tone.Trouble, workspace.statements.current.value?.tone)
        workspace.statements.dismiss()
        altair.close()
        assertNull(workspace.fileOf(id))
        assertNull(workspace.statements.current.value)
        file.delete()
    }

    @Test
    fun enter_right_after_typing_waits_for_the_answers() = withWorkspace {
        val figs = altair.notes.create("Figs")
        altair.notes.create("Fir")
        workspace.search.open()
        workspace.search.search("fi")
        workspace.search.state.await { it.hits.size == 2 }
        workspace.search.search("figs")
        workspace.search.choose()
        workspace.navigation.place.await { it == Place(Section.Notes, figs.id) }
    }

    @Test
    fun what_was_deleted_is_restored_or_erased() = withWorkspace {
        val figs = altair.notes.create("Figs")
        workspace.trash.delete(figs.id).join()
        val gone = workspace.trash.entities.await { it.things.isNotEmpty() }.things.single()
        workspace.trash.restore(gone.id).join()
        assertEquals(false, altair.notes.get(figs.id).deleted)
        workspace.trash.delete(figs.id).join()
        workspace.trash.askToErase(gone)
        workspace.trash.keep()
        workspace.trash.erase().join()
        assertEquals(true, altair.notes.get(figs.id).deleted)
        workspace.trash.askToErase(gone)
        workspace.trash.erase().join()
        assertTrue(workspace.trash.entities.await { it.isEmpty }.things.isEmpty())
        assertNull(workspace.trash.confirming.value)
    }

    @Test
    fun history_leads_back_to_any_version() = withWorkspace {
        val figs = altair.notes.create("Figs", "One")
        altair.notes.edit(figs.id) { body = "Two" }
        workspace.history.show(figs.id)
        val versions = workspace.history.versions.await { it.things.size == 2 }.things
        workspace.history.restore(versions.last().id).join()
        assertEquals("One", altair.notes.get(figs.id).body)
        workspace.history.versions.await { it.things.size == 3 }
    }

    @Test
    fun a_long_history_is_read_on() = withWorkspace {
        val figs = altair.notes.create("Figs")
        repeat(210) { altair.notes.edit(figs.id) { title = "Figs $it" } }
        workspace.history.show(figs.id)
        workspace.history.versions.test(timeout = DEADLINE) {
            var listed = awaitItem()
            while (!listed.known) listed = awaitItem()
            assertEquals(200 to true, listed.things.size to listed.more)
            workspace.history.more()
            while (listed.more) listed = awaitItem()
            assertEquals(211, listed.things.map { it.id }.distinct().size)
            cancelAndIgnoreRemainingEvents()
        }
    }

    @Test
    fun everything_in_a_location_is_known_however_much_there_is() = withWorkspace {
        val cellar = altair.locations.create("Cellar")
        val jam = altair.items.create("Jam") { location = cellar.id }
        repeat(210) { altair.items.create("Item $it") }
        repeat(210) { altair.locations.create("Location $it") }
        assertTrue(workspace.items.all.await { it.known }.things.any { it.id == jam.id })
        assertTrue(workspace.locations.locations.await { it.known }.things.any { it.id == cellar.id })
    }

    @Test
    fun undo_takes_back_what_was_typed_and_redo_brings_it_again() = withWorkspace {
        val figs = altair.notes.create("Figs", "One")
        workspace.navigation.open(Kind.Note, figs.id)
        val editing = workspace.editor.state.await { it != null }!!
        workspace.editor.typeBody(figs.id, editing.body.revision, "One two", Selection(7))
        workspace.undo.undo().join()
        workspace.editor.state.await { it?.body?.text == "One" && it.saving == Saving.Saved }
        assertEquals("Undone: “Figs”", workspace.statements.current.value?.what)
        workspace.undo.redo().join()
        workspace.editor.state.await { it?.body?.text == "One two" }
    }

    @Test
    fun nothing_to_undo_is_stated() = withWorkspace {
        workspace.undo.undo().join()
        assertEquals("There is nothing to undo", workspace.statements.current.value?.what)
    }

    @Test
    fun the_status_counts_what_is_there() = withWorkspace {
        altair.notes.create("Figs")
        altair.quests.create("Prune")
        val status = workspace.status.status.await { it?.counts?.get(Kind.Quest) == 1L }!!
        assertEquals(1L, status.counts[Kind.Note])
        assertEquals("ok", status.health)
    }

    @Test
    fun there_are_no_conflicts_on_one_device() = withWorkspace {
        assertTrue(workspace.conflicts.conflicts.await { it.known }.isEmpty)
    }

    @Test
    fun a_long_list_is_read_on_as_it_is_scrolled() = withWorkspace {
        repeat(230) { altair.notes.create("Note $it") }
        val first = workspace.notes.notes.await { it.things.size == 200 }
        assertTrue(first.more)
        workspace.notes.notes.await { listed ->
            workspace.notes.more()
            listed.things.size == 230 && !listed.more
        }
    }
}
