package dev.altair.sample

import dev.altair.model.EntityId
import dev.altair.model.Kind
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.update

/** A part of the app that one can be in. */
enum class Section {
    Inbox,
    Notes,
    Quests,
    Items,
    Locations,
    Conflicts,
    Trash,
    Import,
    ;

    companion object {
        /** Where things of a kind are shown; null for kinds that have no place of their own. */
        fun of(kind: Kind): Section? = when (kind) {
            Kind.Capture -> Inbox
            Kind.Note -> Notes
            Kind.Quest -> Quests
            Kind.Item -> Items
            Kind.Location -> Locations
            Kind.Link, Kind.Attachment -> null
        }
    }
}

/** Where the person is: a section, and what is open in it. */
data class Place(val section: Section, val open: EntityId? = null)

/** Going from place to place, and back. Each section remembers what was open in it. */
class Navigation {
    private data class Trail(val place: Place, val behind: List<Place>, val remembered: Map<Section, EntityId?>)

    private val trail = MutableStateFlow(Trail(Place(Section.Inbox), emptyList(), emptyMap()))
    private val mutablePlace = MutableStateFlow(trail.value.place)

    val place: StateFlow<Place> = mutablePlace.asStateFlow()

    fun go(section: Section) {
        if (section != place.value.section) move(Place(section, trail.value.remembered[section]))
    }

    fun open(section: Section, id: EntityId?) = move(Place(section, id))

    /** Opens something wherever its kind is shown. */
    fun open(kind: Kind, id: EntityId) {
        Section.of(kind)?.let { open(it, id) }
    }

    /** Leaves what is open. */
    fun leave() = open(place.value.section, null)

    /** Forgets what has gone away, so that nobody comes back to it. */
    fun forget(id: EntityId) {
        trail.update { trail ->
            Trail(
                if (trail.place.open == id) trail.place.copy(open = null) else trail.place,
                trail.behind.filterNot { it.open == id },
                trail.remembered.filterValues { it != id },
            )
        }
        mutablePlace.value = trail.value.place
    }

    /** Goes back to where the person was before; false when there is nowhere to go back to. */
    fun back(): Boolean {
        val previous = trail.value.behind.lastOrNull() ?: return false
        trail.update {
            it.copy(
                place = previous,
                behind = it.behind.dropLast(1),
                remembered =
                it.remembered + (previous.section to previous.open),
            )
        }
        mutablePlace.value = trail.value.place
        return true
    }

    private fun move(place: Place) {
        trail.update {
            val behind = if (it.place == place) it.behind else (it.behind + it.place).takeLast(LONGEST_TRAIL)
            Trail(place, behind, it.remembered + (place.section to place.open))
        }
        mutablePlace.value = trail.value.place
    }

    private companion object {
        const val LONGEST_TRAIL = 100
    }
}
