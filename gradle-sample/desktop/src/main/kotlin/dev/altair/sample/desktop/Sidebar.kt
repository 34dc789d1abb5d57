package dev.altair.sample.desktop

import androidx.compose.foundation.background
import androidx.compose.foundation.border
import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.Spacer
import androidx.compose.foundation.layout.fillMaxHeight
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.height
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.layout.size
import androidx.compose.foundation.layout.width
import androidx.compose.foundation.selection.selectableGroup
import androidx.compose.foundation.shape.RoundedCornerShape
import androidx.compose.material3.Icon
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.collectAsState
import androidx.compose.runtime.getValue
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.graphics.Color
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.semantics.Role
import androidx.compose.ui.semantics.selected
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.unit.dp
import dev.altair.model.Kind
import dev.altair.model.Status
import dev.altair.sample.Section
import dev.altair.sample.desktop.look.Icons
import dev.altair.sample.desktop.look.Look
import dev.altair.sample.desktop.parts.HorizontalLine
import dev.altair.sample.desktop.parts.KeyCap
import dev.altair.sample.desktop.parts.pressable
import dev.altair.sample.desktop.rooms.count
import dev.altair.sample.grouped

/** The way to every section, with how much is in each. */
@Composable
fun Sidebar() {
    val workspace = LocalDesk.current.workspace
    val place by workspace.navigation.place.collectAsState()
    val status by workspace.status.status.collectAsState()
    val inbox by workspace.inbox.captures.collectAsState()
    Column(Modifier.width(216.dp).fillMaxHeight().background(Look.palette.frame).padding(12.dp)) {
        Row(
            Modifier.height(40.dp).padding(start = 8.dp),
            horizontalArrangement = Arrangement.spacedBy(8.dp),
            verticalAlignment = Alignment.CenterVertically,
        ) {
            Icon(Icons.Star, null, Modifier.size(18.dp), tint = Look.palette.accent)
            Text("Altair", style = Look.lettering.heading)
        }
        Spacer(Modifier.height(4.dp))
        SearchButton { workspace.search.open() }
        Spacer(Modifier.height(12.dp))
        Column(Modifier.selectableGroup(), verticalArrangement = Arrangement.spacedBy(2.dp)) {
            Section.entries.filter { it != Section.Import }.forEach { section ->
                if (section == Section.Conflicts) HorizontalLine(Modifier.padding(horizontal = 8.dp, vertical = 8.dp))
                val count = if (section == Section.Inbox) inbox.count().takeIf { it != "0" } else status?.countOf(section)
                Destination(section, section == place.section, count) { workspace.navigation.go(section) }
            }
        }
        Spacer(Modifier.weight(1f))
        Destination(Section.Import, place.section == Section.Import, null) { workspace.navigation.go(Section.Import) }
    }
}

@Composable
private fun SearchButton(onPress: () -> Unit) {
    val palette = Look.palette
    Row(
        Modifier
            .fillMaxWidth()
            .testTag("search-button")
            .pressable(onPress, fill = palette.raised)
            .border(1.dp, palette.line, RoundedCornerShape(8.dp))
            .height(34.dp)
            .padding(horizontal = 10.dp),
        horizontalArrangement = Arrangement.spacedBy(8.dp),
        verticalAlignment = Alignment.CenterVertically,
    ) {
        Icon(Icons.Search, null, Modifier.size(16.dp), tint = palette.quiet)
        Text("Search", Modifier.weight(1f), style = Look.lettering.label, color = palette.quiet)
        KeyCap(keyName("K"))
    }
}

@Composable
private fun Destination(section: Section, isSelected: Boolean, count: String?, onPress: () -> Unit) {
    val palette = Look.palette
    val ink = if (isSelected) palette.ink else palette.quiet
    val attention = section == Section.Conflicts && count != null
    Row(
        Modifier
            .fillMaxWidth()
            .testTag("section:${section.name}")
            .pressable(onPress, role = Role.Tab, fill = if (isSelected) palette.selected else Color.Transparent)
            .semantics { selected = isSelected }
            .height(34.dp)
            .padding(horizontal = 10.dp),
        horizontalArrangement = Arrangement.spacedBy(10.dp),
        verticalAlignment = Alignment.CenterVertically,
    ) {
        Icon(Icons.of(section), null, Modifier.size(18.dp), tint = if (isSelected) palette.accent else palette.quiet)
        Text(
            section.title,
            Modifier.weight(1f),
            style = if (isSelected) Look.lettering.strong else Look.lettering.label,
            color = ink,
            maxLines = 1,
        )
        if (attention) {
            Box(Modifier.background(palette.warn.copy(alpha = 0.18f), RoundedCornerShape(8.dp)).padding(horizontal = 7.dp)) {
                Text(count.orEmpty(), style = Look.lettering.tiny, color = palette.warn)
            }
        } else if (count != null) {
            Text(count, style = Look.lettering.tiny, color = palette.faint)
        }
    }
}

private val Section.title: String get() = if (this == Section.Import) "Import a vault" else name

private fun Status.countOf(section: Section): String? {
    val count = when (section) {
        Section.Inbox, Section.Import -> 0
        Section.Notes -> counts[Kind.Note] ?: 0
        Section.Quests -> counts[Kind.Quest] ?: 0
        Section.Items -> counts[Kind.Item] ?: 0
        Section.Locations -> counts[Kind.Location] ?: 0
        Section.Conflicts -> conflicts
        Section.Trash -> trashed
    }
    return count.takeIf { it > 0 }?.grouped()
}
