package dev.altair.sample

import dev.altair.core.Altair
import dev.altair.model.Conflict
import dev.altair.model.Entity
import kotlinx.coroutines.Job
import kotlinx.coroutines.flow.SharingStarted
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.stateIn

/** A conflict and what it is in. */
data class OpenConflict(val conflict: Conflict, val entity: Entity)

/** What was set to different things at once, on different devices. */
class ConflictsModel(private val altair: Altair, private val acts: Acts) {
    val conflicts: StateFlow<Listed<OpenConflict>> = acts.steady(
        altair.observe {
            val open = altair.conflicts.list().map { OpenConflict(it, altair.entities.get(it.entity)) }
            Listed(open, known = true)
        },
    ).stateIn(acts.scope, SharingStarted.WhileSubscribed(), Listed())

    /** Settles a conflict for one of its values. */
    fun resolve(conflict: Conflict, head: Conflict.Head): Job = acts.launch {
        altair.conflicts.resolve(conflict, head)
        acts.statements.done("The ${conflict.field} is settled", "Ctrl-Z opens the conflict again")
    }
}
