package dev.altair.sample.desktop.rooms

import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.widthIn
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.collectAsState
import androidx.compose.runtime.getValue
import androidx.compose.runtime.remember
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.focus.focusProperties
import androidx.compose.ui.input.key.Key
import androidx.compose.ui.input.key.key
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.text.style.TextAlign
import androidx.compose.ui.unit.dp
import dev.altair.model.Item
import dev.altair.sample.Section
import dev.altair.sample.desktop.LocalDesk
import dev.altair.sample.desktop.detail.amount
import dev.altair.sample.desktop.look.Icons
import dev.altair.sample.desktop.look.Look
import dev.altair.sample.desktop.parts.EmptyState
import dev.altair.sample.desktop.parts.IconButton
import dev.altair.sample.desktop.parts.ListActs
import dev.altair.sample.desktop.parts.ListGroup
import dev.altair.sample.desktop.parts.ListHeader
import dev.altair.sample.desktop.parts.RowText
import dev.altair.sample.desktop.parts.SelectableList
import dev.altair.sample.desktop.tryFocus
import dev.altair.sample.orUntitled

/** Things that there is a number of. */
@Composable
fun ItemsRoom() {
    val workspace = LocalDesk.current.workspace
    val items by workspace.items.items.collectAsState()
    ListAndDetail(
        list = {
            ListHeader("Items", items.count())
            NewByName("New item") { workspace.items.create(it) }
            if (items.isEmpty) {
                EmptyState(Icons.Item, "No items yet", "Count what the household has: eggs, jars, spare bulbs. Name the first one above.")
            } else {
                ItemList(items.things)
            }
        },
        detail = {
            OpenEntity {
                if (items.things.isNotEmpty()) {
                    EmptyState(Icons.Item, "No item is open", "Choose one on the left. Plus and minus count it.")
                }
            }
        },
    )
}

@Composable
private fun ItemList(items: List<Item>) {
    val desk = LocalDesk.current
    val workspace = desk.workspace
    val locations by workspace.locations.locations.collectAsState()
    val names = remember(locations) { locations.things.associate { it.id to it.title } }
    val groups = remember(items) { listOf(ListGroup(null, items)) }
    val acts = remember(workspace) {
        ListActs<Item>(
            select = { workspace.navigation.open(Section.Items, it.id) },
            enter = { desk.bodyFocus.tryFocus() },
            delete = { workspace.trash.delete(it.id) },
            more = workspace.items::more,
            key = { event, item ->
                val delta = when (event.key) {
                    Key.Plus, Key.Equals, Key.NumPadAdd -> 1
                    Key.Minus, Key.NumPadSubtract -> -1
                    else -> 0
                }
                if (delta != 0) workspace.items.count(item.id, delta)
                delta != 0
            },
        )
    }
    SelectableList("Items", groups, Item::id, selectedId(), acts, focus = desk.listFocus) { item, _ ->
        Row(verticalAlignment = Alignment.CenterVertically) {
            RowText(item.title.orUntitled(), item.location?.let(names::get).orEmpty(), Modifier.weight(1f))
            Stepper(item)
        }
    }
}

@Composable
private fun Stepper(item: Item) {
    val items = LocalDesk.current.workspace.items
    Row(verticalAlignment = Alignment.CenterVertically) {
        IconButton(Icons.Minus, "One less", { items.count(item.id, -1) }, Modifier.testTag("less").focusProperties { canFocus = false })
        Text(amount(item), Modifier.widthIn(min = 36.dp), style = Look.lettering.strong, textAlign = TextAlign.Center, maxLines = 1)
        IconButton(Icons.Plus, "One more", { items.count(item.id, 1) }, Modifier.testTag("more").focusProperties { canFocus = false })
    }
}
