package dev.altair.sample

import dev.altair.core.Altair
import dev.altair.model.EntityId
import dev.altair.model.Item
import dev.altair.model.Kind
import dev.altair.model.Quantity
import kotlinx.coroutines.Job
import kotlinx.coroutines.flow.StateFlow

/** Things that there is a number of. */
class ItemsModel(private val altair: Altair, private val acts: Acts, private val navigation: Navigation) {
    private val listing = Listing(altair, acts, Kind.Item) { limit, after -> altair.items.list(limit, after) }

    private val whole = Listing(altair, acts, Kind.Item, step = Listing.WHOLE) { limit, after -> altair.items.list(limit, after) }

    val items: StateFlow<Listed<Item>> get() = listing.state

    /** All of them, to tell what is in a location. */
    val all: StateFlow<Listed<Item>> get() = whole.state

    fun more() = listing.more()

    fun create(name: String): Job = acts.launch {
        if (name.isNotBlank()) navigation.open(Kind.Item, altair.items.create(name.trim()).id)
    }

    /** Adds to an item's quantity, or takes away. What others count meanwhile adds up. */
    fun count(id: EntityId, delta: Int): Job = acts.launch { altair.items.count(id, delta) }

    /** Sets the quantity to what was counted. */
    fun setQuantity(id: EntityId, quantity: Quantity): Job = acts.launch { altair.items.edit(id) { this.quantity = quantity } }

    fun setUnit(id: EntityId, unit: String): Job = acts.launch { altair.items.edit(id) { this.unit = unit.trim().ifEmpty { null } } }

    fun setLocation(id: EntityId, location: EntityId?): Job = acts.launch { altair.items.edit(id) { this.location = location } }
}
