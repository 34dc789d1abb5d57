package dev.altair.model

import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertSame

class AltairExceptionTest {
    @Test
    fun `a message says what happened and what to do`() {
        val cause = IllegalStateException("inside")
        val error = AltairException.NotFound("there is no note 7", "list the notes", cause)
        assertEquals("there is no note 7; list the notes", error.message)
        assertEquals("there is no note 7", error.what)
        assertEquals("list the notes", error.hint)
        assertSame(cause, error.cause)
    }

    @Test
    fun `ids are their text`() {
        assertEquals("0197", EntityId("0197").toString())
        assertEquals("d", DeviceId("d").toString())
        assertEquals("c", ChangeId("c").toString())
        assertEquals("n", Cursor("n").toString())
    }
}
