package dev.altair.sample

import app.cash.turbine.test
import dev.altair.model.EntityId
import dev.altair.sample.markdown.Block
import kotlinx.coroutines.delay
import kotlinx.coroutines.yield
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFalse
import kotlin.test.assertIs
import kotlin.test.assertNull
import kotlin.test.assertTrue
import kotlin.time.Duration.Companion.microseconds
import kotlin.time.Duration.Companion.milliseconds

class EditorTest {
    private suspend fun TestedStore.opened(body: String): EntityId {
        val note = altair.notes.create("Figs", body)
        workspace.notes.notes.await { listed -> listed.things.any { it.id == note.id } }
        workspace.navigation.open(Section.Notes, note.id)
        workspace.editor.state.await { it?.id == note.id }
        return note.id
    }

    private fun TestedStore.type(id: EntityId, text: String, cursor: Int = text.length) =
        workspace.editor.typeBody(id, workspace.editor.state.value!!.body.revision, text, Selection(cursor))

    @Test
    fun what_is_typed_is_saved_after_a_pause() = withWorkspace {
        val id = opened("")
        workspace.editor.state.test(timeout = DEADLINE) {
            awaitItem()
            type(id, "Ripe")
            type(id, "Ripe now")
            var last = awaitItem()
            while (last?.saving != Saving.Saved || last.body.text != "Ripe now") last = awaitItem()
            cancelAndIgnoreRemainingEvents()
        }
        assertEquals("Ripe now", altair.notes.get(id).body)
    }

    @Test
    fun what_is_typed_is_saved_on_leaving() = withWorkspace {
        val id = opened("")
        type(id, "Half a sent")
        workspace.navigation.leave()
        altair.observe { altair.notes.get(id).body }.await { it == "Half a sent" }
        assertNull(workspace.editor.state.await { it == null })
    }

    @Test
    fun going_from_note_to_note_keeps_each_text_where_it_belongs() = withWorkspace {
        val first = opened("")
        type(first, "First")
        val second = opened("")
        type(second, "Second")
        workspace.settle()
        assertEquals("First" to "Second", altair.notes.get(first).body to altair.notes.get(second).body)
    }

    @Test
    fun what_others_write_is_merged_under_the_typing() = withWorkspace {
        val id = opened("Figs\nPlums")
        type(id, "Figs are ripe\nPlums", cursor = 13)
        altair.notes.edit(id) { body = "Fruit:\nFigs\nPlums" }
        val merged = workspace.editor.state.await { it?.body?.text == "Fruit:\nFigs are ripe\nPlums" }!!
        assertEquals(Selection(20), merged.body.selection)
        workspace.settle()
        assertEquals("Fruit:\nFigs are ripe\nPlums", altair.notes.get(id).body)
    }

    @Test
    fun the_preview_follows_the_typing() = withWorkspace {
        val id = opened("")
        type(id, "# Figs\n\n- [ ] prune")
        val document = workspace.editor.state.await { it?.document?.blocks?.size == 2 }!!.document
        assertIs<Block.Heading>(document.blocks[0])
        val task = assertIs<Block.Listing>(document.blocks[1]).entries.single().task!!
        workspace.editor.toggleTask(id, task.mark)
        workspace.settle()
        assertEquals("# Figs\n\n- [x] prune", altair.notes.get(id).body)
    }

    @Test
    fun links_are_followed_and_backlinks_are_there() = withWorkspace {
        val plums = altair.notes.create("Plums", "")
        val figs = opened("Like [[plums]].")
        workspace.editor.follow("plums").join()
        assertEquals(Place(Section.Notes, plums.id), workspace.navigation.place.value)
        val backlinks = workspace.editor.state.await { it?.id == plums.id }!!.details.backlinks
        assertEquals(listOf<EntityId?>(figs), backlinks.map { it.id })
    }

    @Test
    fun following_a_link_to_nothing_makes_the_note() = withWorkspace {
        opened("See [[Quinces]].")
        workspace.editor.follow("Quinces").join()
        val made = workspace.editor.state.await { it?.title?.text == "Quinces" }!!
        assertEquals(made.id, altair.notes.list().items.first().id)
    }

    @Test
    fun a_large_text_is_saved_whole() = withWorkspace {
        val id = opened("")
        val text = "Figs 🌿 and plums.\n".repeat(50_000)
        type(id, text)
        workspace.settle()
        assertEquals(text, altair.notes.get(id).body)
    }

    @Test
    fun an_erased_note_is_left() = withWorkspace {
        val id = opened("Figs")
        altair.trash.erase(id)
        assertNull(workspace.editor.state.await { it == null })
        assertNull(workspace.navigation.place.value.open)
    }

    @Test
    fun typing_into_a_note_that_went_to_the_trash_is_stated_and_kept() = withWorkspace {
        val id = opened("Figs")
        altair.entities.delete(id)
        workspace.editor.state.await { it?.entity?.deleted == true }
        type(id, "Figs and plums")
        workspace.settle()
        assertEquals(Statement.Tone.Trouble, workspace.statements.current.value?.tone)
        assertEquals("Figs and plums", workspace.editor.state.value?.body?.text)
        assertEquals(Saving.Failed, workspace.editor.state.value?.saving)
    }

    @Test
    fun leaving_in_the_middle_of_a_save_stores_the_text_once() = withWorkspace {
        repeat(60) { round ->
            val id = altair.notes.create("Figs").id
            val hasty = Editor(altair, workspace.acts, Navigation(), pause = 1.milliseconds)
            hasty.open(id)
            hasty.state.await { it?.id == id }
            hasty.typeBody(id, 0, "hello", Selection(5))
            delay((round % 20 * 500).microseconds)
            val more = round % 2 == 0
            if (more) hasty.typeBody(id, hasty.state.value!!.body.revision, "hello there", Selection(11))
            hasty.open(null)
            assertTrue(hasty.settle())
            assertEquals(if (more) "hello there" else "hello", altair.notes.get(id).body, "round $round")
        }
        assertNull(workspace.statements.current.value)
    }

    @Test
    fun what_was_typed_is_kept_when_its_note_is_opened_again_at_once() = withWorkspace {
        repeat(20) { round ->
            val id = opened("")
            type(id, "Round $round")
            workspace.editor.open(null)
            if (round % 2 == 0) yield()
            workspace.editor.open(id)
            assertTrue(workspace.settle())
            assertEquals("Round $round", altair.notes.get(id).body)
            workspace.editor.state.await { it?.body?.text == "Round $round" && it.saving == Saving.Saved }
        }
    }

    @Test
    fun what_somebody_else_wrote_the_same_way_is_no_trouble() = withWorkspace {
        repeat(20) {
            val id = opened("Figs")
            type(id, "Figs and plums")
            altair.notes.edit(id) { body = "Figs and plums" }
            assertTrue(workspace.settle())
            assertEquals("Figs and plums", altair.notes.get(id).body)
        }
        assertNull(workspace.statements.current.value)
    }

    @Test
    fun what_can_not_be_saved_on_leaving_goes_to_the_inbox() = withWorkspace {
        val id = opened("Figs")
        altair.entities.delete(id)
        workspace.editor.state.await { it?.entity?.deleted == true }
        type(id, "Figs and plums")
        workspace.editor.open(null)
        assertTrue(workspace.settle())
        val capture = altair.inbox.list().items.single()
        assertEquals("Figs and plums", capture.text)
        val statement = workspace.statements.current.value!!
        assertEquals(Statement.Tone.Trouble to capture.id, statement.tone to statement.subject?.id)
    }

    @Test
    fun what_can_be_saved_nowhere_is_there_again_when_its_note_is_opened() = withWorkspace {
        val id = opened("Figs")
        type(id, "Figs and plums")
        altair.close()
        workspace.editor.open(null)
        assertFalse(workspace.settle())
        workspace.editor.open(id)
        assertEquals("Figs and plums" to Saving.Failed, workspace.editor.state.value?.let { it.body.text to it.saving })
    }

    @Test
    fun tags_are_added_and_taken_away() = withWorkspace {
        val id = opened("")
        workspace.editor.addTag("#garden").join()
        assertEquals(listOf("garden"), workspace.editor.state.await { it!!.entity.tags.isNotEmpty() }!!.entity.tags)
        workspace.editor.removeTag("garden").join()
        assertTrue(altair.notes.get(id).tags.isEmpty())
    }
}
