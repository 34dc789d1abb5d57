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
import kotlinx.coroutines.flow.distinctUntilChanged
import kotlinx.coroutines.flow.flatMapLatest
import kotlinx.coroutines.flow.flowOf
import kotlinx.coroutines.flow.map
import kotlinx.coroutines.flow.stateIn

/** The versions of one entity, and the way back to each of them. */
@OptIn(ExperimentalCoroutinesApi::class)
class HistoryModel(private val altair: Altair, private val acts: Acts) {
    private val mutableEntity = MutableStateFlow<EntityId?>(null)

    /** Whose history is shown; null when none is. */
    val entity: StateFlow<EntityId?> = mutableEntity.asStateFlow()

    val versions: StateFlow<Listed<Version>> = acts.steady(
        mutableEntity.flatMapLatest { id ->
            if (id == null) {
                flowOf(Listed())
            } else {
                altair.observe { altair.history.of(id, MOST) }.map { Listed(it.items, it.next != null, known = true) }
            }
        }.distinctUntilChanged(),
    ).stateIn(acts.scope, SharingStarted.WhileSubscribed(), Listed())

    fun show(id: EntityId) {
        mutableEntity.value = id
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
        const val MOST = 200
    }
}
