package dev.altair.sample

import dev.altair.core.Altair
import dev.altair.model.EntityId
import dev.altair.model.Kind
import dev.altair.model.Location
import kotlinx.coroutines.Job
import kotlinx.coroutines.flow.SharingStarted
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.map
import kotlinx.coroutines.flow.stateIn

/** A location and how deep inside of others it is. */
data class NestedLocation(val location: Location, val depth: Int)

/** Where things are, as a tree. */
class LocationsModel(private val altair: Altair, private val acts: Acts, private val navigation: Navigation) {
    private val listing = Listing(altair, acts, Kind.Location, step = Listing.WHOLE) { limit, after -> altair.locations.list(limit, after) }

    /** All of them: part of a tree would be wrong. */
    val locations: StateFlow<Listed<Location>> get() = listing.state

    val tree: StateFlow<List<NestedLocation>> =
        listing.state.map { treeOf(it.things) }.stateIn(acts.scope, SharingStarted.WhileSubscribed(), emptyList())

    fun create(name: String): Job = acts.launch {
        if (name.isNotBlank()) navigation.open(Kind.Location, altair.locations.create(name.trim()).id)
    }

    fun setParent(id: EntityId, parent: EntityId?): Job = acts.launch { altair.locations.edit(id) { this.parent = parent } }

    companion object {
        /** Each location below the one that it is inside of. One whose parent isn't there stands at the top. */
        internal fun treeOf(locations: List<Location>): List<NestedLocation> {
            val known = locations.map { it.id }.toSet()
            val inside = locations.groupBy { it.parent?.takeIf(known::contains) }
            val placed = mutableSetOf<EntityId>()
            fun below(parent: EntityId?, depth: Int): List<NestedLocation> = inside[parent].orEmpty()
                .sortedBy { it.title.lowercase() }
                .filter { placed.add(it.id) }
                .flatMap { listOf(NestedLocation(it, depth)) + below(it.id, depth + 1) }
            val reached = below(null, 0)
            return reached + locations.filter { it.id !in placed }.map { NestedLocation(it, 0) }
        }
    }
}
