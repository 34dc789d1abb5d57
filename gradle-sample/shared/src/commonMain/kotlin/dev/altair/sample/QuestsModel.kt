package dev.altair.sample

import dev.altair.core.Altair
import dev.altair.model.Due
import dev.altair.model.EntityId
import dev.altair.model.Kind
import dev.altair.model.Quest
import dev.altair.model.QuestStatus
import kotlinx.coroutines.Job
import kotlinx.coroutines.flow.SharingStarted
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.map
import kotlinx.coroutines.flow.stateIn

/** Quests of one status. */
data class QuestGroup(val status: QuestStatus, val quests: List<Quest>)

/** Things to do: what is active first, and in it what is due first. */
class QuestsModel(private val altair: Altair, private val acts: Acts, private val navigation: Navigation) {
    private val listing = Listing(altair, acts, Kind.Quest) { limit, after -> altair.quests.list(limit, after) }

    val quests: StateFlow<Listed<Quest>> get() = listing.state

    val groups: StateFlow<List<QuestGroup>> =
        listing.state.map { groupsOf(it.things) }.stateIn(acts.scope, SharingStarted.WhileSubscribed(), emptyList())

    fun more() = listing.more()

    fun create(title: String): Job = acts.launch {
        if (title.isNotBlank()) navigation.open(Kind.Quest, altair.quests.create(title.trim()).id)
    }

    fun setStatus(id: EntityId, status: QuestStatus): Job = acts.launch { altair.quests.edit(id) { this.status = status } }

    /** Marks a quest as done, or as active again. */
    fun toggle(quest: Quest): Job =
        setStatus(quest.id, if (quest.status == QuestStatus.Completed) QuestStatus.Active else QuestStatus.Completed)

    fun setEnergy(id: EntityId, energy: Int?): Job = acts.launch { altair.quests.edit(id) { this.energy = energy } }

    fun setDue(id: EntityId, due: Due?): Job = acts.launch { altair.quests.edit(id) { this.due = due } }

    companion object {
        private val ORDER = listOf(QuestStatus.Active, QuestStatus.Backlog, QuestStatus.Completed, QuestStatus.Abandoned)

        internal fun groupsOf(quests: List<Quest>): List<QuestGroup> = ORDER.mapNotNull { status ->
            quests.filter { it.status == status }
                .sortedBy { it.due?.firstMoment()?.toEpochMilliseconds() ?: Long.MAX_VALUE }
                .ifEmpty { null }
                ?.let { QuestGroup(status, it) }
        }
    }
}
