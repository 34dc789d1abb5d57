package dev.altair.sample

import dev.altair.core.Altair
import dev.altair.model.Undone
import kotlinx.coroutines.Job

/** Takes back the last thing done on this device, whatever it was, and does it again. */
class UndoModel(private val altair: Altair, private val acts: Acts, private val editor: Editor) {
    fun undo(): Job = acts.launch {
        editor.settle()
        state("Undone", altair.history.undo(), "There is nothing to undo")
    }

    fun redo(): Job = acts.launch {
        editor.settle()
        state("Done again", altair.history.redo(), "There is nothing to do again")
    }

    private suspend fun state(word: String, undone: List<Undone>, nothing: String) {
        if (undone.isEmpty()) return acts.statements.done(nothing)
        val titles = undone.map { it.entity }.distinct().mapNotNull { id ->
            acts.attempt { altair.entities.get(id) }?.title?.named()
        }
        val what = titles.take(NAMED).joinToString() + if (titles.size > NAMED) " and ${titles.size - NAMED} more" else ""
        acts.statements.done(if (what.isEmpty()) word else "$word: $what")
    }

    private companion object {
        const val NAMED = 2
    }
}
