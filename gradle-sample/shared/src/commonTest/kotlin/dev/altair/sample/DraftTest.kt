package dev.altair.sample

import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFalse
import kotlin.test.assertTrue

class DraftTest {
    private fun Draft.typing(text: String) = typed(revision, text, Selection(text.length))

    @Test
    fun what_is_typed_survives_what_others_write() {
        val draft = Draft("Figs").typing("Figs and plums").rebased("# Fruit\nFigs")
        assertEquals("# Fruit\nFigs and plums", draft.text)
        assertEquals(Selection(draft.text.length), draft.selection)
        assertEquals(1, draft.revision)
        assertTrue(draft.dirty)
    }

    @Test
    fun writing_it_down_leaves_what_was_typed_meanwhile() {
        val sent = Draft("").typing("One")
        val draft = sent.typing("One two").written(sent.text, "One")
        assertEquals("One two", draft.text)
        assertEquals("One", draft.base)
        assertEquals(0, draft.revision)
        assertFalse(draft.written("One two", "One two").dirty)
    }

    @Test
    fun a_key_pressed_just_before_a_merge_came_to_the_screen_does_no_harm() {
        val merged = Draft("Figs").typing("Figs!").rebased("Ripe Figs")
        val draft = merged.typed(0, "Figs!?", Selection(6)).typed(0, "Figs!?!", Selection(7))
        assertEquals("Ripe Figs!?!", draft.text)
        assertEquals(Selection(12), draft.selection)
    }

    @Test
    fun what_others_wrote_is_shown_where_nobody_types() {
        val draft = Draft("Figs").rebased("Plums")
        assertEquals("Plums", draft.text)
        assertFalse(draft.dirty)
    }
}
