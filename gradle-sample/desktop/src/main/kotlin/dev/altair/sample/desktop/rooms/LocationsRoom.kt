package dev.altair.sample.desktop.rooms

import androidx.compose.foundation.layout.padding
import androidx.compose.runtime.Composable
import androidx.compose.runtime.collectAsState
import androidx.compose.runtime.getValue
import androidx.compose.runtime.remember
import androidx.compose.ui.Modifier
import androidx.compose.ui.unit.dp
import dev.altair.sample.NestedLocation
import dev.altair.sample.Section
import dev.altair.sample.counted
import dev.altair.sample.desktop.LocalDesk
import dev.altair.sample.desktop.look.Icons
import dev.altair.sample.desktop.parts.EmptyState
import dev.altair.sample.desktop.parts.ListActs
import dev.altair.sample.desktop.parts.ListGroup
import dev.altair.sample.desktop.parts.ListHeader
import dev.altair.sample.desktop.parts.RowText
import dev.altair.sample.desktop.parts.SelectableList
import dev.altair.sample.orUntitled

/** Where things are. */
@Composable
fun LocationsRoom() {
    val workspace = LocalDesk.current.workspace
    val locations by workspace.locations.locations.collectAsState()
    ListAndDetail(
        list = {
            ListHeader("Locations", locations.count())
            NewByName("New location") { workspace.locations.create(it) }
            if (locations.isEmpty) {
                EmptyState(
                    Icons.Location,
                    "No locations yet",
                    "A location is where items are: a cellar, a shelf in it. Name the first one above.",
                )
            } else {
                LocationList()
            }
        },
        detail = {
            OpenEntity {
                if (locations.things.isNotEmpty()) {
                    EmptyState(
                        Icons.Location,
                        "No location is open",
                        "Choose one on the left to see what is there.",
                    )
                }
            }
        },
    )
}

@Composable
private fun LocationList() {
    val desk = LocalDesk.current
    val workspace = desk.workspace
    val tree by workspace.locations.tree.collectAsState()
    val items by workspace.items.all.collectAsState()
    val counts = remember(items) { items.things.groupingBy { it.location }.eachCount() }
    val groups = remember(tree) { listOf(ListGroup(null, tree)) }
    val acts = remember(workspace) {
        ListActs<NestedLocation>(
            select = { workspace.navigation.open(Section.Locations, it.location.id) },
            delete = { workspace.trash.delete(it.location.id) },
        )
    }
    SelectableList("Locations", groups, { it.location.id }, selectedId(), acts, focus = desk.listFocus) { nested, _ ->
        val count = counts[nested.location.id]?.let { counted(it.toLong(), "item") }.orEmpty()
        RowText(nested.location.title.orUntitled(), count, Modifier.padding(start = (nested.depth * 16).dp))
    }
}
