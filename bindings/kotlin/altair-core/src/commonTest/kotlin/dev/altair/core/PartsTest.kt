package dev.altair.core

import dev.altair.model.Cursor
import dev.altair.model.EntityId
import dev.altair.model.Page
import dev.altair.model.Quantity
import dev.altair.model.QuestStatus
import kotlinx.coroutines.flow.take
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.test.runTest
import kotlin.test.Test
import kotlin.test.assertEquals

class PartsTest {
    @Test
    fun `what an edit does not name it leaves alone`() {
        assertEquals(emptyMap(), NoteEdit().parts.given)
        assertEquals(emptyMap(), QuestEdit().parts.given)
        assertEquals(emptyMap(), ItemEdit().parts.given)
        assertEquals(emptyMap(), LocationEdit().parts.given)
    }

    @Test
    fun `an edit holds what was set last`() {
        val note = NoteEdit().apply {
            title = "a"
            title = "b"
            body = "c"
            append("d")
        }
        assertEquals<Map<Part, Any?>>(mapOf(Part.Title to "b", Part.Body to "c", Part.Append to "d"), note.parts.given)
        assertEquals("b" to "c", note.title to note.body)
    }

    @Test
    fun `null clears a part that may be empty`() {
        val quest = QuestEdit().apply {
            status = QuestStatus.Active
            energy = 3
            energy = null
            due = null
            parent = null
        }
        val given = mapOf(Part.Status to QuestStatus.Active, Part.Energy to null, Part.Due to null, Part.Parent to null)
        assertEquals<Map<Part, Any?>>(given, quest.parts.given)
        val item = ItemEdit().apply {
            quantity = Quantity.of(2)
            unit = null
            location = EntityId("pantry")
        }
        assertEquals<Map<Part, Any?>>(mapOf(Part.Quantity to Quantity.of(2), Part.Unit to null, Part.Location to EntityId("pantry")), item.parts.given)
        val location = LocationEdit().apply {
            name = "Shelf"
            parent = null
        }
        assertEquals<Map<Part, Any?>>(mapOf(Part.Title to "Shelf", Part.Parent to null), location.parts.given)
    }

    @Test
    fun `pages are read as far as they are collected`() = runTest {
        val read = mutableListOf<Cursor?>()
        val numbers = pages { after ->
            read += after
            val from = after?.value?.toInt() ?: 0
            Page((from until from + 3).toList(), Cursor("${from + 3}").takeIf { from < 6 })
        }
        assertEquals((0..8).toList(), numbers.toList())
        assertEquals(listOf(null, Cursor("3"), Cursor("6")), read)
        read.clear()
        assertEquals(listOf(0, 1, 2, 3), numbers.take(4).toList())
        assertEquals(listOf(null, Cursor("3")), read)
    }
}
