package dev.altair.core

import app.cash.turbine.test
import dev.altair.model.AltairException
import kotlinx.coroutines.flow.toList
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertNull

class LocationsTest {
    @Test
    fun `locations lie inside of others`() = withStore { altair ->
        val house = altair.locations.create("House")
        val kitchen = altair.locations.create("Kitchen", house.id)
        assertNull(house.parent)
        assertEquals(house.id, kitchen.parent)
        assertEquals(kitchen, altair.locations.get(kitchen.id))
        assertEquals(listOf(kitchen, house), altair.locations.list().items)
        assertEquals(listOf(kitchen, house), altair.locations.all().toList())
    }

    @Test
    fun `a location is renamed and moved`() = withStore { altair ->
        val house = altair.locations.create("House")
        val shelf = altair.locations.create("Shelf")
        val moved = altair.locations.edit(shelf.id) {
            name = "Top shelf"
            parent = house.id
        }
        assertEquals("Top shelf" to house.id, moved.title to moved.parent)
        assertNull(altair.locations.edit(shelf.id) { parent = null }.parent)
        assertEquals("Top shelf", altair.locations.get(shelf.id).title)
    }

    @Test
    fun `no location comes to lie inside itself`() = withStore { altair ->
        val house = altair.locations.create("House")
        val kitchen = altair.locations.create("Kitchen", house.id)
        val shelf = altair.locations.create("Shelf", kitchen.id)
        fails<AltairException.Invalid> { altair.locations.edit(house.id) { parent = shelf.id } }
        fails<AltairException.Invalid> { altair.locations.create("Box", altair.notes.create("no place").id) }
        assertNull(altair.locations.get(house.id).parent)
    }

    @Test
    fun `locations are watched`() = withStore { altair ->
        altair.locations.watch().test(timeout = DEADLINE) {
            assertEquals(emptyList(), awaitItem().items)
            val house = altair.locations.create("House")
            assertEquals(listOf(house), awaitItem().items)
            cancelAndIgnoreRemainingEvents()
        }
    }
}
