package dev.altair.sample.desktop.detail

import androidx.compose.foundation.background
import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.BoxWithConstraints
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.Spacer
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.height
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.layout.size
import androidx.compose.foundation.layout.width
import androidx.compose.foundation.text.input.TextFieldLineLimits
import androidx.compose.material3.Icon
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.collectAsState
import androidx.compose.runtime.getValue
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.focus.focusRequester
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.semantics.LiveRegionMode
import androidx.compose.ui.semantics.liveRegion
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.text.TextStyle
import androidx.compose.ui.unit.dp
import dev.altair.model.Entity
import dev.altair.model.Item
import dev.altair.model.Kind
import dev.altair.model.Location
import dev.altair.model.Quest
import dev.altair.sample.Editing
import dev.altair.sample.Saving
import dev.altair.sample.ago
import dev.altair.sample.desktop.LocalDesk
import dev.altair.sample.desktop.LocalNow
import dev.altair.sample.desktop.TextMode
import dev.altair.sample.desktop.look.Icons
import dev.altair.sample.desktop.look.Look
import dev.altair.sample.desktop.parts.BareField
import dev.altair.sample.desktop.parts.Choice
import dev.altair.sample.desktop.parts.Choices
import dev.altair.sample.desktop.parts.HorizontalLine
import dev.altair.sample.desktop.parts.IconButton
import dev.altair.sample.desktop.parts.TextButton
import dev.altair.sample.desktop.parts.VerticalLine
import dev.altair.sample.desktop.parts.leftByTab
import dev.altair.sample.desktop.parts.onEnter
import dev.altair.sample.desktop.tryFocus
import dev.altair.sample.word

/** One entity, opened: its title, what there is to set about it, and its text. */
@Composable
fun EntityPane(editing: Editing) {
    val desk = LocalDesk.current
    val history by desk.workspace.history.entity.collectAsState()
    BoxWithConstraints(Modifier.fillMaxSize().background(Look.palette.paper)) {
        val roomForBoth = maxWidth >= NARROWEST_FOR_BOTH
        val roomForAll = maxWidth >= NARROWEST_FOR_BOTH + HISTORY_WIDTH
        val mode = when {
            desk.textMode != TextMode.Both -> desk.textMode
            !roomForBoth -> TextMode.Write
            history == editing.id && !roomForAll -> TextMode.Read
            else -> TextMode.Both
        }
        Column(Modifier.fillMaxSize()) {
            PaneBar(editing, mode, roomForBoth)
            if (editing.entity.deleted) InTrash(editing.entity)
            TitleField(editing)
            Column(Modifier.padding(start = 32.dp, end = 24.dp, bottom = 16.dp), verticalArrangement = Arrangement.spacedBy(12.dp)) {
                Properties(editing.entity)
                TagRow(editing.entity)
            }
            HorizontalLine()
            Row(Modifier.weight(1f).fillMaxWidth()) {
                if (editing.entity is Location) {
                    LocationContents(editing, Modifier.weight(1f))
                } else {
                    Texts(editing, mode, Modifier.weight(1f))
                }
                if (history == editing.id) {
                    VerticalLine()
                    HistoryPane(Modifier.width(HISTORY_WIDTH))
                }
            }
        }
    }
}

@Composable
private fun PaneBar(editing: Editing, mode: TextMode, roomForBoth: Boolean) {
    val desk = LocalDesk.current
    val entity = editing.entity
    Row(
        Modifier.fillMaxWidth().height(56.dp).padding(start = 32.dp, end = 16.dp),
        horizontalArrangement = Arrangement.spacedBy(4.dp),
        verticalAlignment = Alignment.CenterVertically,
    ) {
        Icon(Icons.of(entity.kind), null, Modifier.size(16.dp), tint = Look.palette.of(entity.kind))
        Text(entity.kind.word, Modifier.padding(start = 4.dp), style = Look.lettering.small, color = Look.palette.quiet)
        Text("·", style = Look.lettering.small, color = Look.palette.faint)
        SavedWord(editing)
        Spacer(Modifier.weight(1f))
        if (entity !is Location) {
            val choices = listOfNotNull(
                Choice(TextMode.Write, "Write", Icons.Write),
                Choice(TextMode.Both, "Both", Icons.Both).takeIf { roomForBoth },
                Choice(TextMode.Read, "Read", Icons.Read),
            )
            Choices(choices, mode, { desk.textMode = it }, tag = "mode")
            Spacer(Modifier.width(4.dp))
        }
        val history = desk.workspace.history
        val shown by history.entity.collectAsState()
        IconButton(
            Icons.History,
            if (shown == entity.id) "Hide the history" else "History",
            { if (shown == entity.id) history.hide() else history.show(entity.id) },
            Modifier.testTag("history"),
            tint = if (shown == entity.id) Look.palette.accent else Look.palette.quiet,
        )
        IconButton(Icons.Trash, "Move to the trash", {
            desk.workspace.trash.delete(entity.id)
        }, Modifier.testTag("delete"), enabled = !entity.deleted)
        IconButton(Icons.Close, "Close", { desk.workspace.navigation.leave() })
    }
}

@Composable
private fun SavedWord(editing: Editing) {
    val now = LocalNow.current
    val (word, color) = when (editing.saving) {
        Saving.Saved -> "Edited ${ago(editing.entity.updatedAt, now.instant, now.zone)}" to Look.palette.faint
        Saving.Waiting -> "Saving" to Look.palette.faint
        Saving.Failed -> "Not saved" to Look.palette.trouble
    }
    Text(word, Modifier.testTag("saved").semantics { liveRegion = LiveRegionMode.Polite }, style = Look.lettering.small, color = color)
}

@Composable
private fun InTrash(entity: Entity) {
    val workspace = LocalDesk.current.workspace
    Row(
        Modifier.fillMaxWidth().background(Look.palette.troubleSoft).padding(horizontal = 32.dp, vertical = 8.dp),
        verticalAlignment = Alignment.CenterVertically,
    ) {
        Text("This is in the trash.", Modifier.weight(1f), style = Look.lettering.small)
        TextButton("Restore", { workspace.trash.restore(entity.id) }, icon = Icons.Undo)
    }
}

@Composable
private fun TitleField(editing: Editing) {
    val desk = LocalDesk.current
    val editor = desk.workspace.editor
    val title =
        rememberDraftField(editing.id, editing.title) { revision, text, selection ->
            editor.typeTitle(editing.id, revision, text, selection)
        }
    BareField(
        title.field,
        "Title",
        Modifier
            .testTag("title")
            .fillMaxWidth()
            .padding(start = 32.dp, end = 24.dp, top = 4.dp, bottom = 12.dp)
            .onEnter { desk.bodyFocus.tryFocus() },
        placeholder = if (editing.entity.kind == Kind.Note) "Title" else "Name",
        style = Look.lettering.page,
        enabled = !editing.entity.deleted,
        input = title.telling,
    )
}

@Composable
private fun Properties(entity: Entity) {
    when (entity) {
        is Quest -> QuestProperties(entity)
        is Item -> ItemProperties(entity)
        is Location -> LocationProperties(entity)
        else -> Unit
    }
}

/** The text of an entity, to write, to read or both. */
@Composable
private fun Texts(editing: Editing, mode: TextMode, modifier: Modifier) {
    Row(modifier) {
        if (mode != TextMode.Read) Box(Modifier.weight(1f)) { BodyField(editing) }
        if (mode == TextMode.Both) VerticalLine()
        if (mode != TextMode.Write) Box(Modifier.weight(1f)) { ReadingPane(editing, alone = mode == TextMode.Read) }
    }
}

@Composable
fun BodyField(
    editing: Editing,
    placeholder: String = "Write in Markdown. [[Links]] and #tags work.",
    style: TextStyle = Look.lettering.code,
) {
    val desk = LocalDesk.current
    val editor = desk.workspace.editor
    val body =
        rememberDraftField(editing.id, editing.body) { revision, text, selection -> editor.typeBody(editing.id, revision, text, selection) }
    BareField(
        body.field,
        "Text",
        Modifier.testTag(
            "body",
        ).fillMaxSize().padding(start = 32.dp, end = 24.dp, top = 20.dp).focusRequester(desk.bodyFocus).leftByTab(forward = false),
        placeholder = placeholder,
        style = style,
        lines = TextFieldLineLimits.MultiLine(),
        enabled = !editing.entity.deleted,
        input = body.telling,
    )
}

private val NARROWEST_FOR_BOTH = 640.dp
private val HISTORY_WIDTH = 300.dp
