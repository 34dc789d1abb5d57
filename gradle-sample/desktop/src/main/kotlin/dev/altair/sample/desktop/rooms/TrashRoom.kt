package dev.altair.sample.desktop.rooms

import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.Spacer
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.height
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.layout.size
import androidx.compose.foundation.rememberScrollState
import androidx.compose.foundation.verticalScroll
import androidx.compose.material3.Icon
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.collectAsState
import androidx.compose.runtime.getValue
import androidx.compose.runtime.remember
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.unit.dp
import dev.altair.model.Entity
import dev.altair.sample.Section
import dev.altair.sample.ago
import dev.altair.sample.body
import dev.altair.sample.desktop.LocalDesk
import dev.altair.sample.desktop.LocalNow
import dev.altair.sample.desktop.look.Icons
import dev.altair.sample.desktop.look.Look
import dev.altair.sample.desktop.parts.Emphasis
import dev.altair.sample.desktop.parts.EmptyState
import dev.altair.sample.desktop.parts.ListActs
import dev.altair.sample.desktop.parts.ListGroup
import dev.altair.sample.desktop.parts.ListHeader
import dev.altair.sample.desktop.parts.RowText
import dev.altair.sample.desktop.parts.SelectableList
import dev.altair.sample.desktop.parts.TextButton
import dev.altair.sample.orUntitled
import dev.altair.sample.word

/** What was deleted, until it is erased. */
@Composable
fun TrashRoom() {
    val workspace = LocalDesk.current.workspace
    val trash by workspace.trash.entities.collectAsState()
    val selected = selectedId()
    if (trash.isEmpty) {
        EmptyList("Trash", Icons.Trash, "The trash is empty", "What you delete waits here, with its links, until you restore or erase it.")
        return
    }
    ListAndDetail(
        list = {
            ListHeader("Trash", trash.count())
            TrashList(trash.things)
        },
        detail = {
            val open = trash.things.firstOrNull { it.id == selected }
            if (open != null) {
                TrashedPane(open)
            } else {
                EmptyState(Icons.Trash, "Nothing is chosen", "Choose something on the left to restore it, or to erase it for good.")
            }
        },
    )
}

@Composable
private fun TrashList(entities: List<Entity>) {
    val desk = LocalDesk.current
    val now = LocalNow.current
    val workspace = desk.workspace
    val groups = remember(entities) { listOf(ListGroup(null, entities)) }
    val acts = remember(workspace) {
        ListActs<Entity>(
            select = { workspace.navigation.open(Section.Trash, it.id) },
            enter = { workspace.trash.restore(it.id) },
            delete = { workspace.trash.askToErase(it) },
            more = workspace.trash::more,
        )
    }
    SelectableList("Trash", groups, Entity::id, selectedId(), acts, focus = desk.listFocus) { entity, _ ->
        Row(horizontalArrangement = Arrangement.spacedBy(12.dp), verticalAlignment = Alignment.CenterVertically) {
            Icon(Icons.of(entity.kind), null, Modifier.size(16.dp), tint = Look.palette.of(entity.kind))
            RowText(
                entity.title.orUntitled(),
                "${entity.kind.word} · deleted ${ago(entity.updatedAt, now.instant, now.zone)}",
                Modifier.weight(1f),
            )
        }
    }
}

@Composable
private fun TrashedPane(entity: Entity) {
    val workspace = LocalDesk.current.workspace
    Column(Modifier.verticalScroll(rememberScrollState()).padding(start = 32.dp, end = 32.dp, top = 24.dp, bottom = 32.dp).fillMaxWidth()) {
        Text(entity.title.orUntitled(), style = Look.lettering.page)
        Spacer(Modifier.height(16.dp))
        Row(horizontalArrangement = Arrangement.spacedBy(8.dp)) {
            TextButton("Restore", { workspace.trash.restore(entity.id) }, Modifier.testTag("restore"), Icons.Undo, emphasis = Emphasis.Main)
            TextButton("Erase…", { workspace.trash.askToErase(entity) }, Modifier.testTag("erase"), Icons.Trash)
        }
        Spacer(Modifier.height(24.dp))
        Text(entity.body, style = Look.lettering.body, color = Look.palette.quiet)
    }
}
