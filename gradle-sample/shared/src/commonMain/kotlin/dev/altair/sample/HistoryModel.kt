package dev.altair.sample

import dev.altair.core.Altair
import dev.altair.model.ChangeId
import dev.altair.model.EntityId
import dev.altair.model.Version
import kotlinx.coroutines.ExperimentalCoroutinesApi
import kotlinx.coroutines.Job
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.SharingStarted
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.combine
import kotlinx.coroutines.flow.distinctUntilChanged
import kotlinx.coroutines.flow.flatMapLatest
import kotlinx.coroutines.flow.flowOf
import kotlinx.coroutines.flow.stateIn

/** The versions of one entity, and the way back to each of them. */
@OptIn(ExperimentalCoroutinesApi::class)
class HistoryModel(private val altair: Altair, private val acts: Acts) {
    private val mutableEntity = MutableStateFlow<EntityId?>(null)
    private val wanted = MutableStateFlow(STEP)

    /** Whose history is shown; null when none is. */
    val entity: StateFlow<EntityId?> = mutableEntity.asStateFlow()

    val versions: StateFlow<Listed<Version>> = acts.steady(
        mutableEntity.combine(wanted, ::Pair).flatMapLatest { (id, limit) ->
            if (id == null) {
                flowOf(Listed())
            } else {
                altair.observe { readUpTo(limit) { most, after -> altair.history.of(id, most, after) } }.paced()
            }
        }.distinctUntilChanged(),
    ).stateIn(acts.scope, SharingStarted.WhileSubscribed(), Listed())

    fun show(id: EntityId) {
        wanted.value = STEP
        mutableEntity.value = id
    }

    /** Shows earlier versions, too. */
    fun more() {
        val listed = versions.value
        if (listed.more) wanted.value = listed.things.size + STEP
    }

    fun hide() {
        mutableEntity.value = null
    }

    /** Brings the entity back to how it was in a version. */
    fun restore(version: ChangeId): Job = acts.launch {
        val id = mutableEntity.value ?: return@launch
        val entity = altair.history.revert(id, version)
        acts.statements.done("${entity.title.named()} is as it was then", "Ctrl-Z takes that back")
    }

    private companion object {
        const val STEP = 200
    }
}
