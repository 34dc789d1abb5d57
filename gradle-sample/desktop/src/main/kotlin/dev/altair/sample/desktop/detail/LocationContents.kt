package dev.altair.sample.desktop.detail

import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.layout.size
import androidx.compose.foundation.rememberScrollState
import androidx.compose.foundation.verticalScroll
import androidx.compose.material3.Icon
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.collectAsState
import androidx.compose.runtime.getValue
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.unit.dp
import dev.altair.model.Entity
import dev.altair.model.Item
import dev.altair.sample.Editing
import dev.altair.sample.desktop.LocalDesk
import dev.altair.sample.desktop.look.Icons
import dev.altair.sample.desktop.look.Look
import dev.altair.sample.desktop.parts.pressable
import dev.altair.sample.orUntitled

/** What is in a location: other locations, and items. */
@Composable
fun LocationContents(editing: Editing, modifier: Modifier = Modifier) {
    val workspace = LocalDesk.current.workspace
    val items by workspace.items.all.collectAsState()
    val locations by workspace.locations.locations.collectAsState()
    val inside: List<Entity> = locations.things.filter { it.parent == editing.id } + items.things.filter { it.location == editing.id }
    Column(
        modifier.verticalScroll(rememberScrollState()).padding(horizontal = 24.dp, vertical = 20.dp),
        verticalArrangement = Arrangement.spacedBy(2.dp),
    ) {
        Text("What is here", Modifier.padding(start = 8.dp, bottom = 8.dp), style = Look.lettering.strong)
        if (inside.isEmpty() && items.known && locations.known) {
            Text(
                "Nothing yet. Open an item and set its location.",
                Modifier.padding(horizontal = 8.dp),
                style = Look.lettering.label,
                color = Look.palette.quiet,
            )
        }
        inside.forEach { entity ->
            Row(
                Modifier.fillMaxWidth().pressable({
                    workspace.navigation.open(entity.kind, entity.id)
                }).padding(horizontal = 8.dp, vertical = 8.dp),
                horizontalArrangement = Arrangement.spacedBy(10.dp),
                verticalAlignment = Alignment.CenterVertically,
            ) {
                Icon(Icons.of(entity.kind), null, Modifier.size(16.dp), tint = Look.palette.of(entity.kind))
                Text(entity.title.orUntitled(), Modifier.weight(1f), style = Look.lettering.label)
                if (entity is Item) Text(amount(entity), style = Look.lettering.small, color = Look.palette.quiet)
            }
        }
    }
}

/** A quantity with its unit. */
fun amount(item: Item): String = listOfNotNull(item.quantity.toString(), item.unit).joinToString(" ")
