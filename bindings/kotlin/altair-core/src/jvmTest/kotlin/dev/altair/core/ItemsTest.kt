package dev.altair.core

import app.cash.turbine.test
import dev.altair.model.AltairException
import dev.altair.model.Quantity
import kotlinx.coroutines.flow.toList
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertNull

class ItemsTest {
    @Test
    fun `an item keeps what it is given`() = withStore { altair ->
        val pantry = altair.locations.create("Pantry")
        val item = altair.items.create("Flour") {
            body = "Type 550"
            append("organic")
            quantity = Quantity(1_250)
            unit = "kg"
            location = pantry.id
        }
        assertEquals("Flour" to "Type 550\norganic", item.title to item.body)
        assertEquals(Quantity(1_250), item.quantity)
        assertEquals("kg", item.unit)
        assertEquals(pantry.id, item.location)
        assertEquals(item, altair.items.get(item.id))
    }

    @Test
    fun `an item needs nothing`() = withStore { altair ->
        val item = altair.items.create()
        assertEquals("", item.title)
        assertEquals(Quantity.Zero, item.quantity)
        assertNull(item.unit)
        assertNull(item.location)
    }

    @Test
    fun `null clears and silence leaves alone`() = withStore { altair ->
        val pantry = altair.locations.create("Pantry")
        val item = altair.items.create("Flour") {
            quantity = Quantity.of(2)
            unit = "kg"
            location = pantry.id
        }
        val renamed = altair.items.edit(item.id) { name = "Wheat flour" }
        assertEquals(item.copy(title = "Wheat flour", updatedAt = renamed.updatedAt), renamed)
        val cleared = altair.items.edit(item.id) {
            unit = null
            location = null
            quantity = Quantity.Zero
        }
        assertEquals(Triple(null, null, Quantity.Zero), Triple(cleared.unit, cleared.location, cleared.quantity))
    }

    @Test
    fun `counting adds and takes away`() = withStore { altair ->
        val eggs = altair.items.create("Eggs") { quantity = Quantity.of(12) }
        assertEquals(Quantity.of(10), altair.items.count(eggs.id, -2).quantity)
        assertEquals(Quantity(10_500), altair.items.count(eggs.id, Quantity(500)).quantity)
        assertEquals(Quantity(10_500), altair.items.count(eggs.id, 0).quantity)
        assertEquals(Quantity(-1_500), altair.items.count(eggs.id, -12).quantity)
        assertEquals(Quantity(-1_500), altair.items.get(eggs.id).quantity)
    }

    @Test
    fun `a count is exact to the last thousandth, and one that is too large is refused`() = withStore { altair ->
        val most = Quantity(Long.MAX_VALUE)
        val sand = altair.items.create("Sand") { quantity = most }
        assertEquals(most, altair.items.get(sand.id).quantity)
        fails<AltairException.Invalid> { altair.items.count(sand.id, Quantity(1)) }
        fails<AltairException.Invalid> { altair.items.count(sand.id, most) }
        assertEquals(Quantity(Long.MAX_VALUE - 1), altair.items.count(sand.id, Quantity(-1)).quantity)
        fails<AltairException.Invalid> { altair.items.count(sand.id, Int.MAX_VALUE) }
        val debt = altair.items.create("Debt") { quantity = Quantity(Long.MIN_VALUE + 1) }
        fails<AltairException.Invalid> { altair.items.count(debt.id, Quantity(-2)) }
        fails<AltairException.Invalid> { altair.items.edit(debt.id) { quantity = Quantity(Long.MAX_VALUE) } }
        assertEquals(Quantity(Long.MIN_VALUE + 1), altair.items.get(debt.id).quantity)
        altair.assertSound()
    }

    @Test
    fun `only items are counted and only locations hold them`() = withStore { altair ->
        val note = altair.notes.create("Figs")
        fails<AltairException.Invalid> { altair.items.count(note.id, 1) }
        fails<AltairException.Invalid> { altair.items.create("Eggs") { location = note.id } }
        val pantry = altair.locations.create("Pantry")
        altair.entities.delete(pantry.id)
        fails<AltairException.Refused> { altair.items.create("Eggs") { location = pantry.id } }
        assertEquals(emptyList(), altair.items.list().items)
    }

    @Test
    fun `items are listed and watched`() = withStore { altair ->
        val eggs = altair.items.create("Eggs")
        assertEquals(listOf(eggs), altair.items.list().items)
        assertEquals(listOf(eggs), altair.items.all().toList())
        altair.items.watch().test(timeout = DEADLINE) {
            assertEquals(Quantity.Zero, awaitItem().items.single().quantity)
            altair.items.count(eggs.id, 6)
            assertEquals(Quantity.of(6), awaitItem().items.single().quantity)
            cancelAndIgnoreRemainingEvents()
        }
    }

    @Test
    fun `a body that was made of an older one is merged with what came since`() = withStore { altair ->
        val flour = altair.items.create("Flour") { body = "wheat\n" }
        altair.items.edit(flour.id) { append("organic") }
        assertEquals("white wheat\norganic", altair.items.edit(flour.id) { body("white wheat\n", base = flour.body) }.body)
        fails<AltairException.Refused> { altair.items.edit(flour.id) { body("rye", base = "never was that") } }
    }
}
