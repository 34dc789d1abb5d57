package dev.altair.sample.desktop.rooms

import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Row
import androidx.compose.runtime.Composable
import androidx.compose.runtime.collectAsState
import androidx.compose.runtime.getValue
import androidx.compose.runtime.remember
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.unit.dp
import dev.altair.model.Note
import dev.altair.sample.Section
import dev.altair.sample.ago
import dev.altair.sample.desktop.LocalDesk
import dev.altair.sample.desktop.LocalNow
import dev.altair.sample.desktop.look.Icons
import dev.altair.sample.desktop.parts.Emphasis
import dev.altair.sample.desktop.parts.EmptyState
import dev.altair.sample.desktop.parts.IconButton
import dev.altair.sample.desktop.parts.ListActs
import dev.altair.sample.desktop.parts.ListGroup
import dev.altair.sample.desktop.parts.ListHeader
import dev.altair.sample.desktop.parts.RowText
import dev.altair.sample.desktop.parts.SelectableList
import dev.altair.sample.desktop.parts.TextButton
import dev.altair.sample.desktop.tryFocus
import dev.altair.sample.orUntitled

/** Pages of Markdown. */
@Composable
fun NotesRoom() {
    val desk = LocalDesk.current
    val workspace = desk.workspace
    val notes by workspace.notes.notes.collectAsState()
    if (notes.isEmpty) {
        EmptyList("Notes", Icons.Note, "No notes yet", "Write the first one, or bring in a folder of Markdown that you already have.") {
            Row(horizontalArrangement = Arrangement.spacedBy(8.dp)) {
                TextButton("New note", { workspace.notes.create() }, Modifier.testTag("new-note"), emphasis = Emphasis.Main)
                TextButton("Import a vault", { workspace.navigation.go(Section.Import) }, icon = Icons.Import)
            }
        }
        return
    }
    ListAndDetail(
        list = {
            ListHeader("Notes", notes.count()) {
                IconButton(Icons.Plus, "New note", { workspace.notes.create() }, Modifier.testTag("new-note"))
            }
            NoteList(notes.things)
        },
        detail = {
            OpenEntity {
                if (notes.things.isNotEmpty()) {
                    EmptyState(Icons.Note, "No note is open", "Choose one on the left, or press Ctrl-K and type a word of it.")
                }
            }
        },
    )
}

@Composable
private fun NoteList(notes: List<Note>) {
    val desk = LocalDesk.current
    val now = LocalNow.current
    val workspace = desk.workspace
    val groups = remember(notes) { listOf(ListGroup(null, notes)) }
    val acts = remember(workspace) {
        ListActs<Note>(
            select = { workspace.navigation.open(Section.Notes, it.id) },
            enter = { desk.bodyFocus.tryFocus() },
            delete = { workspace.trash.delete(it.id) },
            more = workspace.notes::more,
        )
    }
    SelectableList("Notes", groups, Note::id, selectedId(), acts, focus = desk.listFocus) { note, _ ->
        RowText(
            note.title.orUntitled(),
            remember(note.body) { excerpt(note.body) },
            faded = note.title.isBlank(),
            aside = ago(note.updatedAt, now.instant, now.zone),
        )
    }
}

/** The first words of a text, without the marks of Markdown. */
internal fun excerpt(body: String): String = body.lineSequence()
    .map { line -> line.trim().trimStart('#', '>', '-', '*', '|', ' ').replace(WEB_LINK, "$1").replace(MARKS, "") }
    .firstOrNull { it.isNotBlank() && !it.startsWith("!") && !it.startsWith("^") && !it.startsWith("```") }
    .orEmpty()
    .take(EXCERPT)

private val WEB_LINK = Regex("""\[([^\]]*)]\([^)]*\)""")
private val MARKS = Regex("""\[\[(?:[^\]|]*\|)?|]]|[*`]|==|\[!\w+]|\[[ x]]\s*""")
internal const val EXCERPT = 120
