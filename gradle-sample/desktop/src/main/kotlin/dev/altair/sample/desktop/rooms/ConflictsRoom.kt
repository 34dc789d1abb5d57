package dev.altair.sample.desktop.rooms

import androidx.compose.foundation.background
import androidx.compose.foundation.border
import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.PaddingValues
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.layout.size
import androidx.compose.foundation.layout.widthIn
import androidx.compose.foundation.lazy.LazyColumn
import androidx.compose.foundation.lazy.items
import androidx.compose.foundation.shape.RoundedCornerShape
import androidx.compose.material3.Icon
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.collectAsState
import androidx.compose.runtime.getValue
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.text.style.TextOverflow
import androidx.compose.ui.unit.dp
import dev.altair.model.Conflict
import dev.altair.sample.OpenConflict
import dev.altair.sample.ago
import dev.altair.sample.desktop.LocalDesk
import dev.altair.sample.desktop.LocalNow
import dev.altair.sample.desktop.look.Icons
import dev.altair.sample.desktop.look.Look
import dev.altair.sample.desktop.parts.ListHeader
import dev.altair.sample.desktop.parts.TextButton
import dev.altair.sample.desktop.parts.pressable
import dev.altair.sample.orUntitled
import dev.altair.sample.short

/** What was set to different things at once, for the person to settle. */
@Composable
fun ConflictsRoom() {
    val workspace = LocalDesk.current.workspace
    val conflicts by workspace.conflicts.conflicts.collectAsState()
    if (conflicts.isEmpty) {
        EmptyList(
            "Conflicts",
            Icons.Conflict,
            "No conflicts",
            "When two devices set the same thing differently at the same time, both values wait here and you say which one holds.",
        )
        return
    }
    Column(Modifier.fillMaxSize().background(Look.palette.paper)) {
        ListHeader("Conflicts", conflicts.count())
        LazyColumn(
            Modifier.fillMaxSize(),
            contentPadding = PaddingValues(start = 20.dp, end = 20.dp, bottom = 32.dp),
            verticalArrangement = Arrangement.spacedBy(16.dp),
        ) {
            items(conflicts.things, key = { it.conflict.id }) { ConflictCard(it) }
        }
    }
}

@Composable
private fun ConflictCard(open: OpenConflict) {
    val workspace = LocalDesk.current.workspace
    val palette = Look.palette
    Column(
        Modifier
            .testTag("conflict")
            .widthIn(max = 760.dp)
            .fillMaxWidth()
            .background(palette.raised, RoundedCornerShape(12.dp))
            .border(1.dp, palette.line, RoundedCornerShape(12.dp))
            .padding(16.dp),
        verticalArrangement = Arrangement.spacedBy(12.dp),
    ) {
        Row(
            Modifier.pressable({ workspace.navigation.open(open.entity.kind, open.entity.id) }, label = "Open").padding(4.dp),
            horizontalArrangement = Arrangement.spacedBy(8.dp),
            verticalAlignment = Alignment.CenterVertically,
        ) {
            Icon(Icons.of(open.entity.kind), null, Modifier.size(16.dp), tint = palette.of(open.entity.kind))
            Text(open.entity.title.orUntitled(), style = Look.lettering.strong)
            Text("· ${open.conflict.field}", style = Look.lettering.label, color = palette.quiet)
        }
        open.conflict.heads.forEachIndexed { index, head ->
            HeadRow(head, holds = index == 0) { workspace.conflicts.resolve(open.conflict, head) }
        }
    }
}

@Composable
private fun HeadRow(head: Conflict.Head, holds: Boolean, onChoose: () -> Unit) {
    val now = LocalNow.current
    val palette = Look.palette
    Row(
        Modifier.fillMaxWidth().background(palette.frame, RoundedCornerShape(8.dp)).padding(12.dp),
        horizontalArrangement = Arrangement.spacedBy(12.dp),
        verticalAlignment = Alignment.CenterVertically,
    ) {
        Column(Modifier.weight(1f)) {
            Text(head.value.short().ifEmpty { "Nothing" }, style = Look.lettering.body, maxLines = 6, overflow = TextOverflow.Ellipsis)
            val device = "device ${head.device.value.takeLast(4)}, ${ago(head.at, now.instant, now.zone)}"
            Text(if (holds) "$device · holds for now" else device, style = Look.lettering.tiny, color = palette.faint)
        }
        TextButton("Take this", onChoose, Modifier.testTag("resolve"), icon = Icons.Check)
    }
}
