package dev.altair.sample

import dev.altair.core.Altair
import dev.altair.model.Capture
import dev.altair.model.Entity
import dev.altair.model.EntityId
import dev.altair.model.Kind
import kotlinx.coroutines.Job
import kotlinx.coroutines.flow.StateFlow

/** Thoughts as they come, and what becomes of them. */
class InboxModel(private val altair: Altair, private val acts: Acts, private val navigation: Navigation, private val editor: Editor) {
    private val listing = Listing(altair, acts, Kind.Capture) { limit, after -> altair.inbox.list(limit, after) }

    val captures: StateFlow<Listed<Capture>> get() = listing.state

    fun more() = listing.more()

    /** Writes a thought down; false when that failed and the words are still to be kept. */
    suspend fun capture(text: String): Boolean {
        if (text.isBlank()) return true
        return acts.attempt { altair.inbox.capture(text) } != null
    }

    /** Makes something of a capture, says what, and goes on to the next one. */
    fun triage(id: EntityId, into: Kind): Job = acts.launch {
        editor.settle()
        val made: Entity = when (into) {
            Kind.Note -> altair.inbox.toNote(id)
            Kind.Quest -> altair.inbox.toQuest(id)
            Kind.Item -> altair.inbox.toItem(id)
            Kind.Location -> altair.inbox.toLocation(id)
            Kind.Capture, Kind.Link, Kind.Attachment -> return@launch
        }
        if (navigation.place.value == Place(Section.Inbox, id)) navigation.open(Section.Inbox, after(id))
        navigation.forget(id)
        acts.statements.done("${made.kind.word} made: ${made.title.named()}", subject = Statement.Subject(made.id, made.kind))
    }

    /** What stands below a capture in the list, or above the last one. */
    private fun after(id: EntityId): EntityId? {
        val list = captures.value.things
        val at = list.indexOfFirst { it.id == id }
        return (list.getOrNull(at + 1) ?: list.getOrNull(at - 1))?.id
    }
}
