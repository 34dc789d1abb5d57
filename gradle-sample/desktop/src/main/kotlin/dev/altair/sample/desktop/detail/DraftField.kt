package dev.altair.sample.desktop.detail

import androidx.compose.foundation.ExperimentalFoundationApi
import androidx.compose.foundation.text.input.InputTransformation
import androidx.compose.foundation.text.input.TextFieldState
import androidx.compose.runtime.Composable
import androidx.compose.runtime.LaunchedEffect
import androidx.compose.runtime.getValue
import androidx.compose.runtime.remember
import androidx.compose.runtime.rememberUpdatedState
import androidx.compose.runtime.snapshotFlow
import androidx.compose.ui.text.TextRange
import dev.altair.model.EntityId
import dev.altair.sample.Draft
import dev.altair.sample.Selection

/** Tells what was typed into a revision of a draft. */
typealias Typing = (revision: Int, text: String, selection: Selection) -> Unit

/** A text field for a draft of [id]: typing goes to [type], and what is merged in comes back with the cursor where it was. */
@Composable
fun rememberDraftField(id: EntityId, draft: Draft, type: Typing): DraftField {
    val tell by rememberUpdatedState(type)
    val latest by rememberUpdatedState(draft)
    val shown = remember(id) { DraftField(draft) { revision, text, selection -> tell(revision, text, selection) } }
    LaunchedEffect(shown) {
        snapshotFlow { shown.field.text to shown.field.selection }.collect { shown.report() }
    }
    LaunchedEffect(shown, draft.revision) {
        shown.report()
        shown.show(latest)
    }
    return shown
}

/** Keeps a text field and a draft together. */
class DraftField(draft: Draft, private val type: Typing) {
    val field = TextFieldState(draft.text, draft.range())
    private var revision = draft.revision
    private var reported = draft.text to field.selection

    /** Tells what is typed while it is typed. Any later, whoever leaves right after a key would leave without it. */
    val telling = InputTransformation { report(asCharSequence().toString(), selection) }

    /** Tells what has changed since the last time: the selection, and what didn't come by typing, as undoing in the field. */
    fun report() = report(field.text.toString(), field.selection)

    private fun report(text: String, selection: TextRange) {
        val typed = text to selection
        if (typed == reported) return
        reported = typed
        type(revision, text, Selection(selection.start, selection.end))
    }

    /** Shows a newer revision. Undoing in the field ends here: it would undo what others wrote. */
    @OptIn(ExperimentalFoundationApi::class)
    fun show(draft: Draft) {
        if (draft.revision == revision) return
        revision = draft.revision
        reported = draft.text to draft.range()
        field.edit {
            replace(0, length, draft.text)
            selection = draft.range()
        }
        field.undoState.clearHistory()
    }

    private fun Draft.range() = TextRange(selection.start.coerceIn(0, text.length), selection.end.coerceIn(0, text.length))
}
