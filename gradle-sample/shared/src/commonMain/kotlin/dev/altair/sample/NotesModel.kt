package dev.altair.sample

import dev.altair.core.Altair
import dev.altair.model.Kind
import dev.altair.model.Note
import kotlinx.coroutines.Job
import kotlinx.coroutines.flow.StateFlow

/** Pages of Markdown, newest first. */
class NotesModel(private val altair: Altair, private val acts: Acts, private val navigation: Navigation) {
    private val listing = Listing(altair, acts, Kind.Note) { limit, after -> altair.notes.list(limit, after) }

    val notes: StateFlow<Listed<Note>> get() = listing.state

    fun more() = listing.more()

    /** Makes a note and opens it. */
    fun create(title: String = ""): Job = acts.launch {
        navigation.open(Kind.Note, altair.notes.create(title).id)
    }
}
