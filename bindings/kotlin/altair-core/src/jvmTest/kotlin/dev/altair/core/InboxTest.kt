package dev.altair.core

import app.cash.turbine.test
import dev.altair.model.AltairException
import dev.altair.model.EntityId
import dev.altair.model.Source
import kotlinx.coroutines.flow.take
import kotlinx.coroutines.flow.toList
import kotlinx.datetime.Clock
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFalse
import kotlin.test.assertNull
import kotlin.test.assertTrue
import kotlin.time.Duration.Companion.minutes

class InboxTest {
    @Test
    fun `a capture is kept as it was said`() = withStore { altair ->
        val before = Clock.System.now() - 1.minutes
        val said = altair.inbox.capture("Water the figs\non Friday", Source.Voice)
        assertEquals("Water the figs\non Friday", said.text)
        assertEquals("Water the figs", said.title)
        assertEquals(Source.Voice, said.source)
        assertNull(said.triagedInto)
        assertFalse(said.deleted)
        assertTrue(said.capturedAt > before && said.createdAt > before && said.updatedAt >= said.createdAt)
        assertEquals(altair.status().device, said.createdBy)
        assertEquals(said, altair.inbox.get(said.id))
    }

    @Test
    fun `every source is kept`() = withStore { altair ->
        for (source in Source.entries) {
            assertEquals(source, altair.inbox.get(altair.inbox.capture("from $source", source).id).source)
        }
        assertEquals(Source.Keyboard, altair.inbox.capture("typed").source)
    }

    @Test
    fun `the inbox is read page by page, newest first`() = withStore { altair ->
        val all = List(7) { altair.inbox.capture("thought $it").id }.reversed()
        val first = altair.inbox.list(limit = 3)
        assertEquals(all.take(3), first.items.map { it.id })
        val second = altair.inbox.list(limit = 3, after = first.next)
        assertEquals(all.subList(3, 6), second.items.map { it.id })
        val last = altair.inbox.list(limit = 3, after = second.next)
        assertEquals(all.drop(6), last.items.map { it.id })
        assertNull(last.next)
        assertEquals(all, altair.inbox.all().toList().map { it.id })
        assertEquals(all.take(2), altair.inbox.all().take(2).toList().map { it.id })
    }

    @Test
    fun `an empty inbox is an empty page`() = withStore { altair ->
        assertEquals(emptyList(), altair.inbox.list().items)
        assertNull(altair.inbox.list().next)
        assertEquals(emptyList(), altair.inbox.all().toList())
    }

    @Test
    fun `more than one page is collected whole`() = withStore { altair ->
        val all = List(PAGE + 5) { altair.inbox.capture("thought $it").text }
        assertEquals(PAGE, altair.inbox.list().items.size)
        assertEquals(all.reversed(), altair.thoughts())
    }

    @Test
    fun `who watches the inbox sees it now and after every change`() = withStore { altair ->
        altair.inbox.capture("before")
        altair.inbox.watch().test(timeout = DEADLINE) {
            assertEquals(listOf("before"), awaitItem().items.map { it.text })
            val capture = altair.inbox.capture("after")
            assertEquals(listOf("after", "before"), awaitItem().items.map { it.text })
            altair.inbox.toNote(capture.id)
            assertEquals(listOf("before"), awaitItem().items.map { it.text })
            cancelAndIgnoreRemainingEvents()
        }
    }

    @Test
    fun `a capture's words can be changed until it is in the trash`() = withStore { altair ->
        val capture = altair.inbox.capture("Water teh figs")
        assertEquals("Water the figs", altair.inbox.edit(capture.id, "Water the figs").text)
        assertEquals("Water the figs", altair.inbox.get(capture.id).title)
        altair.entities.delete(capture.id)
        fails<AltairException.Refused> { altair.inbox.edit(capture.id, "too late") }
    }

    @Test
    fun `words that were made of older ones do not replace newer ones`() = withStore { altair ->
        val capture = altair.inbox.capture("Water teh figs")
        assertEquals("Water the figs", altair.inbox.edit(capture.id, "Water the figs", base = capture.text).text)
        fails<AltairException.Refused> { altair.inbox.edit(capture.id, "Water the plums", base = capture.text) }
        assertEquals("Water the figs", altair.inbox.get(capture.id).text)
    }

    @Test
    fun `a capture becomes a note that keeps its words`() = withStore { altair ->
        val capture = altair.inbox.capture("Fig jam\n2 kg figs\n1 kg sugar")
        val note = altair.inbox.toNote(capture.id)
        assertEquals("Fig jam", note.title)
        assertEquals("2 kg figs\n1 kg sugar", note.body)
        assertEquals(note.id, altair.inbox.get(capture.id).triagedInto)
        assertEquals(emptyList(), altair.inbox.list().items)
        assertEquals(note, altair.notes.get(note.id))
    }

    @Test
    fun `a capture becomes whatever it is`() = withStore { altair ->
        val quest = altair.inbox.toQuest(altair.inbox.capture("Prune the figs").id)
        assertEquals("Prune the figs", quest.title)
        val titled = altair.inbox.toQuest(altair.inbox.capture("call mum about the shed").id, "Call mum")
        assertEquals("Call mum" to "call mum about the shed", titled.title to titled.body)
        val item = altair.inbox.toItem(altair.inbox.capture("Eggs").id)
        assertEquals("Eggs", item.title)
        assertEquals("Hens' eggs", altair.inbox.toItem(altair.inbox.capture("eggs").id, "Hens' eggs").title)
        val location = altair.inbox.toLocation(altair.inbox.capture("Pantry").id)
        assertEquals("Pantry", location.title)
        assertEquals("Shelf", altair.inbox.toLocation(altair.inbox.capture("a shelf").id, "Shelf").title)
        assertEquals(emptyList(), altair.inbox.list().items)
    }

    @Test
    fun `a capture is triaged once`() = withStore { altair ->
        val capture = altair.inbox.capture("Eggs")
        val item = altair.inbox.toItem(capture.id)
        fails<AltairException.Refused> { altair.inbox.toQuest(capture.id) }
        fails<AltairException.Invalid> { altair.inbox.toQuest(item.id) }
        fails<AltairException.Invalid> { altair.inbox.get(item.id) }
    }

    @Test
    fun `a capture of nothing is refused`() = withStore { altair ->
        for (nothing in listOf("", " ", "\n\t ", "\u00a0")) fails<AltairException.Invalid> { altair.inbox.capture(nothing) }
        fails<AltairException.NotFound> { altair.inbox.get(EntityId("0197b5d8-7f00-7000-8000-000000000000")) }
        fails<AltairException.Invalid> { altair.inbox.get(EntityId("figs")) }
        assertEquals(emptyList(), altair.thoughts())
    }

    @Test
    fun `an edit for captures does not change another kind of thing`() = withStore { altair ->
        val note = altair.notes.create("Figs", "sun")
        fails<AltairException.Invalid> { altair.inbox.edit(note.id, "shade") }
        assertEquals("sun", altair.notes.get(note.id).body)
    }
}
