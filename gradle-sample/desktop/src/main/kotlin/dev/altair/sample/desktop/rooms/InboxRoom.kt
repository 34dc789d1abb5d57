package dev.altair.sample.desktop.rooms

import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.ExperimentalLayoutApi
import androidx.compose.foundation.layout.FlowRow
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.Spacer
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.height
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.layout.size
import androidx.compose.material3.Icon
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.collectAsState
import androidx.compose.runtime.getValue
import androidx.compose.runtime.key
import androidx.compose.runtime.remember
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.input.key.Key
import androidx.compose.ui.input.key.key
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.unit.dp
import dev.altair.model.Capture
import dev.altair.model.Kind
import dev.altair.model.Source
import dev.altair.sample.Editing
import dev.altair.sample.Section
import dev.altair.sample.ago
import dev.altair.sample.desktop.LocalDesk
import dev.altair.sample.desktop.LocalNow
import dev.altair.sample.desktop.detail.BodyField
import dev.altair.sample.desktop.look.Icons
import dev.altair.sample.desktop.look.Look
import dev.altair.sample.desktop.parts.EmptyState
import dev.altair.sample.desktop.parts.HorizontalLine
import dev.altair.sample.desktop.parts.IconButton
import dev.altair.sample.desktop.parts.ListActs
import dev.altair.sample.desktop.parts.ListGroup
import dev.altair.sample.desktop.parts.ListHeader
import dev.altair.sample.desktop.parts.RowText
import dev.altair.sample.desktop.parts.SelectableList
import dev.altair.sample.desktop.parts.TextButton
import dev.altair.sample.desktop.tryFocus
import dev.altair.sample.moment

/** What a capture can be made into, and by which key. */
private enum class Triage(val kind: Kind, val word: String, val cap: String, val key: Key) {
    ToNote(Kind.Note, "Note", "N", Key.N),
    ToQuest(Kind.Quest, "Quest", "Q", Key.Q),
    ToItem(Kind.Item, "Item", "I", Key.I),
    ToLocation(Kind.Location, "Location", "L", Key.L),
}

/** Thoughts as they come, to be triaged one after the other. */
@Composable
fun InboxRoom() {
    val desk = LocalDesk.current
    val workspace = desk.workspace
    val captures by workspace.inbox.captures.collectAsState()
    val selected = selectedId()
    if (captures.isEmpty) {
        EmptyList(
            "Inbox",
            Icons.Inbox,
            "All triaged",
            "Whatever comes to mind goes into the field above. It waits here until you know what it is.",
        )
        return
    }
    ListAndDetail(
        list = {
            ListHeader("Inbox", captures.count())
            CaptureList(captures.things)
        },
        detail = {
            val editing by workspace.editor.state.collectAsState()
            val open = editing?.takeIf { it.id == selected }
            when {
                open != null && open.entity is Capture -> key(open.id) { CapturePane(open, open.entity as Capture) }
                selected == null && captures.things.isNotEmpty() ->
                    EmptyState(
                        Icons.Inbox,
                        "What is it?",
                        "Choose a thought on the left and make it a note, a quest, an item or a location.",
                    ) {
                        TextButton("Begin with the newest", {
                            workspace.navigation.open(Section.Inbox, captures.things.first().id)
                            desk.listFocus.tryFocus()
                        })
                    }
            }
        },
    )
}

@Composable
private fun CaptureList(captures: List<Capture>) {
    val desk = LocalDesk.current
    val now = LocalNow.current
    val workspace = desk.workspace
    val groups = remember(captures) { listOf(ListGroup(null, captures)) }
    val acts = remember(workspace) {
        ListActs<Capture>(
            select = { workspace.navigation.open(Section.Inbox, it.id) },
            enter = { desk.bodyFocus.tryFocus() },
            delete = { workspace.trash.delete(it.id) },
            more = workspace.inbox::more,
            key = { event, capture ->
                val triage = Triage.entries.firstOrNull { it.key == event.key }
                if (triage != null) workspace.inbox.triage(capture.id, triage.kind)
                triage != null
            },
        )
    }
    SelectableList("Captures", groups, Capture::id, selectedId(), acts, focus = desk.listFocus) { capture, _ ->
        val origin = if (capture.source == Source.Keyboard) "" else " · ${capture.source.name}"
        RowText(capture.text.take(EXCERPT).trim().replace('\n', ' '), ago(capture.capturedAt, now.instant, now.zone) + origin, lines = 2)
    }
}

@OptIn(ExperimentalLayoutApi::class)
@Composable
private fun CapturePane(editing: Editing, capture: Capture) {
    val workspace = LocalDesk.current.workspace
    val now = LocalNow.current
    Column(Modifier.fillMaxSize().testTag("capture-pane")) {
        Row(
            Modifier.fillMaxWidth().height(56.dp).padding(start = 32.dp, end = 16.dp),
            horizontalArrangement = Arrangement.spacedBy(8.dp),
            verticalAlignment = Alignment.CenterVertically,
        ) {
            Icon(Icons.Inbox, null, Modifier.size(16.dp), tint = Look.palette.of(Kind.Capture))
            Text("Captured ${moment(capture.capturedAt, now.zone)}", style = Look.lettering.small, color = Look.palette.quiet)
            Spacer(Modifier.weight(1f))
            IconButton(Icons.Trash, "Move to the trash", { workspace.trash.delete(capture.id) }, Modifier.testTag("delete"))
        }
        if (capture.triagedInto == null) {
            Column(Modifier.padding(start = 32.dp, end = 24.dp, bottom = 16.dp)) {
                Text("Make it a", style = Look.lettering.small, color = Look.palette.quiet)
                Spacer(Modifier.height(8.dp))
                FlowRow(horizontalArrangement = Arrangement.spacedBy(8.dp), verticalArrangement = Arrangement.spacedBy(8.dp)) {
                    Triage.entries.forEach { triage ->
                        TextButton(
                            triage.word,
                            { workspace.inbox.triage(capture.id, triage.kind) },
                            Modifier.testTag("triage:${triage.word}"),
                            icon = Icons.of(triage.kind),
                            key = triage.cap,
                        )
                    }
                }
            }
        }
        HorizontalLine()
        Box(Modifier.weight(1f)) { BodyField(editing, "What was it?", Look.lettering.body) }
    }
}
