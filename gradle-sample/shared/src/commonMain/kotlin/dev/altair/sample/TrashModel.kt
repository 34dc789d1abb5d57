package dev.altair.sample

import dev.altair.core.Altair
import dev.altair.model.Entity
import dev.altair.model.EntityId
import kotlinx.coroutines.Job
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow

/** What was deleted. Erasing is asked for twice, for there is no way back. */
class TrashModel(private val altair: Altair, private val acts: Acts, private val navigation: Navigation, private val editor: Editor) {
    private val listing = Listing(altair, acts) { limit, after -> altair.trash.list(limit, after) }
    private val mutableConfirming = MutableStateFlow<Entity?>(null)

    val entities: StateFlow<Listed<Entity>> get() = listing.state

    /** What the person is being asked about: whether it is to be erased. */
    val confirming: StateFlow<Entity?> = mutableConfirming.asStateFlow()

    fun more() = listing.more()

    /** Puts something into the trash. */
    fun delete(id: EntityId): Job = acts.launch {
        editor.settle()
        val gone = altair.entities.delete(id)
        navigation.forget(id)
        acts.statements.done("${gone.title.named()} is in the trash", "Ctrl-Z brings it back")
    }

    fun restore(id: EntityId): Job = acts.launch {
        val back = altair.trash.restore(id)
        navigation.forget(id)
        acts.statements.done("${back.title.named()} is back", subject = Statement.Subject(back.id, back.kind))
    }

    fun askToErase(entity: Entity) {
        mutableConfirming.value = entity
    }

    fun keep() {
        mutableConfirming.value = null
    }

    /** Erases what was asked about. */
    fun erase(): Job = acts.launch {
        val entity = mutableConfirming.value ?: return@launch
        mutableConfirming.value = null
        altair.trash.erase(entity.id)
        navigation.forget(entity.id)
        acts.statements.done("${entity.title.named()} is erased")
    }
}
