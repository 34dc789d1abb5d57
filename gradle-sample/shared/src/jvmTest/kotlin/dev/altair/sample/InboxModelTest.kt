package dev.altair.sample

import dev.altair.model.Kind
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertNull
import kotlin.test.assertTrue

class InboxModelTest {
    @Test
    fun a_captured_thought_is_in_the_inbox() = withWorkspace {
        assertTrue(workspace.inbox.capture("Water the figs 🌿"))
        val listed = workspace.inbox.captures.await { it.things.isNotEmpty() }
        assertEquals("Water the figs 🌿", listed.things.single().text)
    }

    @Test
    fun an_empty_thought_is_nothing() = withWorkspace {
        assertTrue(workspace.inbox.capture("  \n"))
        assertTrue(workspace.inbox.captures.await { it.known }.isEmpty)
        assertNull(workspace.statements.current.value)
    }

    @Test
    fun triage_makes_each_kind_and_goes_on_to_the_next() = withWorkspace {
        val texts = listOf("A note", "A quest", "An item", "A location")
        val captures = texts.map { altair.inbox.capture(it) }
        workspace.inbox.captures.await { it.things.size == texts.size }
        listOf(Kind.Note, Kind.Quest, Kind.Item, Kind.Location).zip(captures).asReversed().forEach { (kind, capture) ->
            workspace.navigation.open(Section.Inbox, capture.id)
            workspace.inbox.captures.await { listed -> listed.things.any { it.id == capture.id } }
            workspace.inbox.triage(capture.id, kind).join()
            val statement = workspace.statements.current.await { it?.subject?.kind == kind }
            assertEquals("${kind.name} made: “${capture.text}”", statement?.what)
        }
        assertTrue(workspace.inbox.captures.await { it.isEmpty }.things.isEmpty())
        assertEquals(listOf(1L, 1L, 1L, 1L), listOf(Kind.Note, Kind.Quest, Kind.Item, Kind.Location).map { altair.status().counts[it] })
    }

    @Test
    fun what_was_typed_into_a_capture_goes_into_what_it_becomes() = withWorkspace {
        val capture = altair.inbox.capture("Figs")
        workspace.navigation.open(Section.Inbox, capture.id)
        val editing = workspace.editor.state.await { it?.id == capture.id }!!
        workspace.editor.typeBody(capture.id, editing.body.revision, "Plums", Selection(5))
        workspace.inbox.triage(capture.id, Kind.Note).join()
        assertEquals("Plums", altair.notes.list().items.single().title)
    }

    @Test
    fun what_can_not_be_done_is_stated_with_what_to_do() = withWorkspace {
        val capture = altair.inbox.capture("Figs")
        altair.inbox.toNote(capture.id)
        workspace.inbox.triage(capture.id, Kind.Quest).join()
        val statement = workspace.statements.current.await { it != null }!!
        assertEquals(Statement.Tone.Trouble, statement.tone)
        assertTrue(statement.hint!!.isNotBlank())
        workspace.statements.dismiss()
        assertNull(workspace.statements.current.value)
    }
}
