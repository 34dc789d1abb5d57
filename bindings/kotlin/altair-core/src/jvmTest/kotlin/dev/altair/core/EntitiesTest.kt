package dev.altair.core

import app.cash.turbine.test
import dev.altair.model.AltairException
import dev.altair.model.EntityId
import dev.altair.model.Kind
import dev.altair.model.Link
import dev.altair.model.LinkOrigin
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertIs
import kotlin.test.assertNull
import kotlin.test.assertTrue

class EntitiesTest {
    private val nobody = EntityId("0197b5d8-7f00-7000-8000-000000000000")

    @Test
    fun `any kind of thing is got by its id`() = withStore { altair ->
        val all = listOf(
            altair.inbox.capture("thought"),
            altair.notes.create("note"),
            altair.quests.create("quest"),
            altair.items.create("item"),
            altair.locations.create("location"),
        )
        for (entity in all) assertEquals(entity, altair.entities.get(entity.id))
        assertEquals(listOf(Kind.Capture, Kind.Note, Kind.Quest, Kind.Item, Kind.Location), all.map { it.kind })
        for (entity in all) assertEquals(listOf(entity), altair.entities.list(entity.kind).items)
    }

    @Test
    fun `an id is found by its ending`() = withStore { altair ->
        val id = altair.notes.create("One").id
        assertEquals(id, altair.entities.find(id.value))
        assertEquals(id, altair.entities.find(id.value.takeLast(8)))
        assertEquals(id, altair.entities.find(" ${id.value.takeLast(8).uppercase()} "))
        for (wrong in listOf("", "ab", "not an id", "\u0000\u0000\u0000\u0000", "🦊🦊🦊🦊")) {
            fails<AltairException.Invalid> { altair.entities.find(wrong) }
        }
        fails<AltairException.NotFound> { altair.entities.find(if (id.value.endsWith("0000")) "1111" else "0000") }
        fails<AltairException.NotFound> { altair.entities.find(nobody.value) }
    }

    @Test
    fun `a link is read from both its ends`() = withStore { altair ->
        val cake = altair.notes.create("Cake")
        val pantry = altair.locations.create("Pantry")
        assertEquals(cake.id, altair.entities.link(cake.id, pantry.id, "stored in").id)
        val link = altair.entities.details(cake.id).links.single()
        assertEquals(pantry.id to Kind.Location, link.id to link.kind)
        assertEquals("Pantry" to "stored in", link.title to link.relation)
        assertEquals(LinkOrigin.Hand, link.origin)
        val back = altair.entities.details(pantry.id).backlinks.single()
        assertEquals(cake.id to "stored in", back.id to back.relation)
        val itself = assertIs<Link>(altair.entities.list(Kind.Link).items.single())
        assertEquals(Triple(cake.id, pantry.id, "stored in"), Triple(itself.from, itself.to, itself.relation))
        assertEquals(Kind.Link, itself.kind)
        assertNull(itself.anchor)
        assertEquals(cake.id, altair.entities.unlink(cake.id, pantry.id).id)
        assertEquals(emptyList(), altair.entities.details(cake.id).links)
        fails<AltairException.NotFound> { altair.entities.unlink(cake.id, pantry.id) }
    }

    @Test
    fun `links stand in the text too`() = withStore { altair ->
        val plan = altair.notes.create("Plan", "see [[Rotation]] and ![[Map]]")
        val missing = altair.entities.details(plan.id).links
        assertEquals(listOf<EntityId?>(null, null), missing.map { it.id })
        assertEquals(setOf("Rotation" to "link", "Map" to "embed"), missing.map { it.title to it.relation }.toSet())
        val rotation = altair.notes.create("Rotation")
        val found = altair.entities.details(plan.id).links.single { it.id != null }
        assertEquals(rotation.id to LinkOrigin.Body, found.id to found.origin)
        assertEquals(plan.id, altair.entities.details(rotation.id).backlinks.single().id)
        fails<AltairException.Refused> { altair.entities.unlink(plan.id, rotation.id) }
    }

    @Test
    fun `wrong links are refused`() = withStore { altair ->
        val one = altair.notes.create("One")
        val other = altair.notes.create("Other")
        fails<AltairException.Invalid> { altair.entities.link(one.id, one.id) }
        fails<AltairException.Invalid> { altair.entities.link(one.id, other.id, " ") }
        fails<AltairException.NotFound> { altair.entities.link(one.id, nobody) }
        fails<AltairException.Invalid> { altair.entities.link(one.id, EntityId("x")) }
        altair.entities.delete(other.id)
        fails<AltairException.Refused> { altair.entities.link(one.id, other.id) }
    }

    @Test
    fun `tags are added and taken away`() = withStore { altair ->
        val note = altair.notes.create("Figs", "#written")
        assertEquals(listOf("garden", "Tree/fig", "written"), altair.entities.tag(note.id, listOf("garden", "#Tree/fig")).tags)
        val fewer = altair.entities.tag(note.id, add = listOf("köln"), remove = listOf("GARDEN"))
        assertEquals(setOf("Tree/fig", "köln", "written"), fewer.tags.toSet())
        assertEquals(fewer, altair.entities.get(note.id))
        assertEquals(listOf(note.id), altair.entities.list(Kind.Note, tag = "tree").items.map { it.id })
        fails<AltairException.Refused> { altair.entities.tag(note.id, remove = listOf("written")) }
        for (wrong in listOf("", "#", "two words", "a.b", "123", "nul\u0000", "x".repeat(10_000))) {
            fails<AltairException.Invalid> { altair.entities.tag(note.id, listOf(wrong)) }
        }
        fails<AltairException.Invalid> { altair.entities.tag(note.id, listOf("a"), listOf("A")) }
        assertEquals(fewer, altair.entities.get(note.id))
    }

    @Test
    fun `who watches one thing sees everything around it until it is erased`() = withStore { altair ->
        val figs = altair.notes.create("Figs")
        altair.entities.watch(figs.id).test(timeout = DEADLINE) {
            assertEquals("Figs", awaitItem().entity.title)
            altair.notes.edit(figs.id) { title = "Fig trees" }
            assertEquals("Fig trees", awaitItem().entity.title)
            val plan = altair.notes.create("Plan", "[[Fig trees]]")
            assertEquals(listOf<EntityId?>(plan.id), awaitItem().backlinks.map { it.id })
            altair.entities.delete(figs.id)
            assertTrue(awaitItem().entity.deleted)
            altair.trash.erase(figs.id)
            assertIs<AltairException.NotFound>(awaitError())
        }
    }

    @Test
    fun `what is not there is not found, whatever is done with it`() = withStore { altair ->
        fails<AltairException.NotFound> { altair.entities.get(nobody) }
        fails<AltairException.NotFound> { altair.entities.details(nobody) }
        fails<AltairException.NotFound> { altair.entities.delete(nobody) }
        fails<AltairException.NotFound> { altair.entities.tag(nobody, listOf("a")) }
        fails<AltairException.NotFound> { altair.entities.unlink(nobody, nobody) }
        fails<AltairException.NotFound> { altair.trash.restore(nobody) }
        fails<AltairException.NotFound> { altair.trash.erase(nobody) }
        fails<AltairException.NotFound> { altair.history.of(nobody) }
        fails<AltairException.NotFound> { altair.notes.edit(nobody) { title = "x" } }
        fails<AltairException.NotFound> { altair.items.count(nobody, 1) }
        fails<AltairException.NotFound> { altair.inbox.toNote(nobody) }
        fails<AltairException.NotFound> { altair.attachments.open(nobody) }
    }

    @Test
    fun `an id that is none is a wrong value, whatever is done with it`() = withStore { altair ->
        for (wrong in listOf("", "x", "0197b5d8", "\u0000", "🦊", "\" OR 1=1", nobody.value + "0").map(::EntityId)) {
            fails<AltairException.Invalid> { altair.entities.get(wrong) }
            fails<AltairException.Invalid> { altair.entities.details(wrong) }
            fails<AltairException.Invalid> { altair.entities.delete(wrong) }
            fails<AltairException.Invalid> { altair.history.of(wrong) }
            fails<AltairException.Invalid> { altair.inbox.toNote(wrong) }
            fails<AltairException.Invalid> { altair.attachments.attach(wrong, "/etc/hostname") }
        }
    }

    @Test
    fun `limits go from one to a thousand`() = withStore { altair ->
        val note = altair.notes.create("Figs")
        for (wrong in listOf(0, -1, 1001, Int.MAX_VALUE, Int.MIN_VALUE)) {
            fails<AltairException.Invalid> { altair.entities.list(Kind.Note, limit = wrong) }
            fails<AltairException.Invalid> { altair.inbox.list(limit = wrong) }
            fails<AltairException.Invalid> { altair.trash.list(limit = wrong) }
            fails<AltairException.Invalid> { altair.search.find("figs", limit = wrong) }
            fails<AltairException.Invalid> { altair.history.of(note.id, limit = wrong) }
        }
        for (fitting in listOf(1, 1000)) {
            assertEquals(1, altair.entities.list(Kind.Note, limit = fitting).items.size)
            assertEquals(1, altair.search.find("figs", limit = fitting).items.size)
        }
    }

    @Test
    fun `a cursor belongs to the list that it came from`() = withStore { altair ->
        repeat(3) { altair.notes.create("figs $it") }
        repeat(3) { altair.inbox.capture("figs $it") }
        val ofNotes = altair.notes.list(limit = 1).next
        val ofSearch = altair.search.find("figs", limit = 1).next
        fails<AltairException.Invalid> { altair.inbox.list(after = ofNotes) }
        fails<AltairException.Invalid> { altair.notes.list(after = ofNotes, tag = "garden") }
        fails<AltairException.Invalid> { altair.notes.list(after = ofSearch) }
        fails<AltairException.Invalid> { altair.search.find("figs", after = ofNotes) }
        fails<AltairException.Invalid> { altair.search.find("other", after = ofSearch) }
        fails<AltairException.Invalid> { altair.history.of(altair.notes.list().items[0].id, after = ofNotes) }
        for (wrong in listOf("", "nonsense", "\u0000", "🦊", "a.b")) {
            fails<AltairException.Invalid> { altair.notes.list(after = dev.altair.model.Cursor(wrong)) }
        }
    }
}
