package dev.altair.core

import dev.altair.model.AltairException
import dev.altair.model.ChangeId
import dev.altair.model.FieldChange
import dev.altair.model.Quantity
import dev.altair.model.Undone
import kotlinx.serialization.json.JsonPrimitive
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertTrue

class HistoryTest {
    @Test
    fun `every version tells who changed what from what to what`() = withStore { altair ->
        val note = altair.notes.create("Fence", "white")
        altair.notes.edit(note.id) {
            title = "The fence"
            body = "green"
        }
        altair.entities.delete(note.id)
        val versions = altair.history.of(note.id).items
        assertEquals(3, versions.size)
        assertEquals(listOf(FieldChange("deleted", JsonPrimitive(false), JsonPrimitive(true))), versions[0].changes)
        val edited = versions[1].changes.associateBy { it.field }
        assertEquals(FieldChange("title", JsonPrimitive("Fence"), JsonPrimitive("The fence")), edited["title"])
        assertEquals(FieldChange("body", JsonPrimitive("white"), JsonPrimitive("green")), edited["body"])
        assertTrue(versions.all { it.device == note.createdBy })
        assertTrue(versions.zipWithNext().all { (later, earlier) -> later.at >= earlier.at })
        assertEquals(3, versions.map { it.id }.toSet().size)
    }

    @Test
    fun `history is read page by page`() = withStore { altair ->
        val note = altair.notes.create("Fence")
        repeat(5) { altair.notes.edit(note.id) { append("$it") } }
        val whole = altair.history.of(note.id).items.map { it.id }
        assertEquals(6, whole.size)
        assertEquals(whole, whole { altair.history.of(note.id, limit = 4, after = it) }.map { it.id })
    }

    @Test
    fun `any version can be gone back to`() = withStore { altair ->
        val eggs = altair.items.create("Eggs") { quantity = Quantity.of(6) }
        val then = altair.history.of(eggs.id).items.first().id
        altair.items.edit(eggs.id) {
            name = "Hens' eggs"
            body = "many"
        }
        altair.items.count(eggs.id, -2)
        altair.entities.tag(eggs.id, listOf("food"))
        val back = altair.history.revert(eggs.id, then)
        assertEquals(eggs.copy(updatedAt = back.updatedAt), back)
        assertEquals(back, altair.items.get(eggs.id))
        fails<AltairException.NotFound> { altair.history.revert(eggs.id, ChangeId("0197b5d8-7f00-7000-8000-000000000000")) }
        for (wrong in listOf("", "abc")) fails<AltairException.Invalid> { altair.history.revert(eggs.id, ChangeId(wrong)) }
    }

    @Test
    fun `acts are undone and redone one by one`() = withStore { altair ->
        val note = altair.notes.create("Fence", "a")
        altair.notes.edit(note.id) { append("b") }
        altair.notes.edit(note.id) { title = "The fence" }
        assertEquals(listOf(Undone(note.id, "title")), altair.history.undo())
        assertEquals(listOf(Undone(note.id, "body")), altair.history.undo())
        assertEquals(note.copy(updatedAt = altair.notes.get(note.id).updatedAt), altair.notes.get(note.id))
        assertEquals(listOf(Undone(note.id, "body")), altair.history.redo())
        assertEquals("a\nb", altair.notes.get(note.id).body)
        assertEquals(listOf(note.id), altair.history.redo().map { it.entity })
        assertEquals("The fence", altair.notes.get(note.id).title)
        repeat(3) { altair.history.undo() }
        assertTrue(altair.notes.get(note.id).deleted)
    }

    @Test
    fun `where nothing is to be undone nothing is`() = withStore { altair ->
        assertEquals(emptyList(), altair.history.undo())
        assertEquals(emptyList(), altair.history.redo())
        altair.inbox.capture("thought")
        altair.history.undo()
        altair.inbox.capture("a new act ends redoing")
        assertEquals(emptyList(), altair.history.redo())
    }

    @Test
    fun `a triage and a deletion can be undone`() = withStore { altair ->
        val capture = altair.inbox.capture("Fig jam")
        altair.inbox.toNote(capture.id)
        altair.history.undo()
        assertEquals(listOf(capture.id), altair.inbox.list().items.map { it.id })
        altair.entities.delete(capture.id)
        altair.history.undo()
        assertEquals(listOf(capture.id), altair.inbox.list().items.map { it.id })
    }
}
