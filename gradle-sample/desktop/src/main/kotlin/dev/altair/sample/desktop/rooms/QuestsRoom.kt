package dev.altair.sample.desktop.rooms

import androidx.compose.foundation.background
import androidx.compose.foundation.border
import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.size
import androidx.compose.foundation.shape.CircleShape
import androidx.compose.material3.Icon
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.collectAsState
import androidx.compose.runtime.getValue
import androidx.compose.runtime.remember
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.focus.focusProperties
import androidx.compose.ui.graphics.Color
import androidx.compose.ui.input.key.Key
import androidx.compose.ui.input.key.key
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.semantics.Role
import androidx.compose.ui.semantics.contentDescription
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.text.style.TextDecoration
import androidx.compose.ui.text.style.TextOverflow
import androidx.compose.ui.unit.dp
import dev.altair.model.Quest
import dev.altair.model.QuestStatus
import dev.altair.sample.Section
import dev.altair.sample.day
import dev.altair.sample.desktop.LocalDesk
import dev.altair.sample.desktop.LocalNow
import dev.altair.sample.desktop.look.Icons
import dev.altair.sample.desktop.look.Look
import dev.altair.sample.desktop.parts.Chip
import dev.altair.sample.desktop.parts.EmptyState
import dev.altair.sample.desktop.parts.ListActs
import dev.altair.sample.desktop.parts.ListGroup
import dev.altair.sample.desktop.parts.ListHeader
import dev.altair.sample.desktop.parts.SelectableList
import dev.altair.sample.desktop.parts.pressable
import dev.altair.sample.desktop.tryFocus
import dev.altair.sample.orUntitled
import dev.altair.sample.word
import kotlinx.datetime.toLocalDateTime

/** Things to do. */
@Composable
fun QuestsRoom() {
    val workspace = LocalDesk.current.workspace
    val quests by workspace.quests.quests.collectAsState()
    ListAndDetail(
        list = {
            ListHeader("Quests", quests.count())
            NewByName("New quest") { workspace.quests.create(it) }
            if (quests.isEmpty) {
                EmptyState(
                    Icons.Quest,
                    "Nothing to do",
                    "A quest is something to do, with the energy that it takes. Name the first one above.",
                )
            } else {
                QuestList()
            }
        },
        detail = {
            OpenEntity {
                if (quests.things.isNotEmpty()) {
                    EmptyState(Icons.Quest, "No quest is open", "Choose one on the left. The space bar ticks it off.")
                }
            }
        },
    )
}

@Composable
private fun QuestList() {
    val desk = LocalDesk.current
    val workspace = desk.workspace
    val questGroups by workspace.quests.groups.collectAsState()
    val groups = remember(questGroups) { questGroups.map { ListGroup(it.status.word, it.quests) } }
    val acts = remember(workspace) {
        ListActs<Quest>(
            select = { workspace.navigation.open(Section.Quests, it.id) },
            enter = { desk.bodyFocus.tryFocus() },
            delete = { workspace.trash.delete(it.id) },
            more = workspace.quests::more,
            key = { event, quest ->
                if (event.key == Key.Spacebar) workspace.quests.toggle(quest)
                event.key == Key.Spacebar
            },
        )
    }
    SelectableList("Quests", groups, Quest::id, selectedId(), acts, focus = desk.listFocus) { quest, _ -> QuestRow(quest) }
}

@Composable
private fun QuestRow(quest: Quest) {
    val workspace = LocalDesk.current.workspace
    val palette = Look.palette
    val closed = quest.status == QuestStatus.Completed || quest.status == QuestStatus.Abandoned
    Row(horizontalArrangement = Arrangement.spacedBy(10.dp), verticalAlignment = Alignment.CenterVertically) {
        QuestTick(quest) { workspace.quests.toggle(quest) }
        Text(
            quest.title.orUntitled(),
            Modifier.weight(1f),
            style = if (closed) Look.lettering.label.copy(textDecoration = TextDecoration.LineThrough) else Look.lettering.strong,
            color = if (closed) palette.faint else palette.ink,
            maxLines = 1,
            overflow = TextOverflow.Ellipsis,
        )
        quest.energy?.let { Energy(it) }
        if (!closed) DueChip(quest)
    }
}

@Composable
private fun QuestTick(quest: Quest, onToggle: () -> Unit) {
    val palette = Look.palette
    val done = quest.status == QuestStatus.Completed
    val color = if (quest.status == QuestStatus.Active) palette.good else palette.faint
    Box(
        Modifier
            .testTag("tick")
            .focusProperties { canFocus = false }
            .size(18.dp)
            .pressable(onToggle, role = Role.Checkbox, radius = 9.dp, fill = if (done) palette.good else Color.Transparent)
            .border(1.5.dp, if (done) palette.good else color, CircleShape)
            .semantics { contentDescription = if (done) "Take up again" else "Complete" },
        contentAlignment = Alignment.Center,
    ) {
        if (done) Icon(Icons.Check, null, Modifier.size(13.dp), tint = palette.paper)
    }
}

@Composable
private fun Energy(energy: Int) {
    Row(
        Modifier.semantics { contentDescription = "Energy $energy of 5" },
        horizontalArrangement = Arrangement.spacedBy(2.dp),
    ) {
        repeat(energy) { Box(Modifier.size(5.dp).background(Look.palette.warn, CircleShape)) }
    }
}

@Composable
private fun DueChip(quest: Quest) {
    val due = quest.due ?: return
    val now = LocalNow.current
    val today = now.instant.toLocalDateTime(now.zone).date
    val late = due.day(now.zone) < today
    val color = when {
        late -> Look.palette.trouble
        due.day(now.zone) == today -> Look.palette.warn
        else -> Look.palette.quiet
    }
    Chip(due.word(today, now.zone), color)
}
