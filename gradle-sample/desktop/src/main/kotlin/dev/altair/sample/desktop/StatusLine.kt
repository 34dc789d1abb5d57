package dev.altair.sample.desktop

import androidx.compose.foundation.background
import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.height
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.layout.size
import androidx.compose.foundation.shape.CircleShape
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.collectAsState
import androidx.compose.runtime.getValue
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.text.style.TextOverflow
import androidx.compose.ui.unit.dp
import dev.altair.model.Kind
import dev.altair.model.Status
import dev.altair.sample.bytes
import dev.altair.sample.counted
import dev.altair.sample.desktop.look.Icons
import dev.altair.sample.desktop.look.Look
import dev.altair.sample.desktop.parts.Hinted
import dev.altair.sample.desktop.parts.IconButton

/** How the store is, in one line. */
@Composable
fun StatusLine(dark: Boolean, onToggleDark: () -> Unit) {
    val status by LocalDesk.current.workspace.status.status.collectAsState()
    val palette = Look.palette
    Row(
        Modifier.fillMaxWidth().height(32.dp).background(palette.frame).padding(start = 20.dp, end = 8.dp).testTag("status"),
        horizontalArrangement = Arrangement.spacedBy(16.dp),
        verticalAlignment = Alignment.CenterVertically,
    ) {
        status?.let { known ->
            Health(known)
            Quiet(countsOf(known))
            Quiet(syncWord(known))
            Hinted("${known.store} · version ${known.version}") {
                Quiet("${bytes(known.sizes.store + known.sizes.search + known.sizes.blobs)} on disk")
            }
        }
        Box(Modifier.weight(1f))
        IconButton(if (dark) Icons.Sun else Icons.Moon, if (dark) "Light" else "Dark", onToggleDark, Modifier.testTag("theme"))
    }
}

@Composable
private fun Health(status: Status) {
    val well = status.health == "ok"
    Row(horizontalArrangement = Arrangement.spacedBy(8.dp), verticalAlignment = Alignment.CenterVertically) {
        Box(Modifier.size(7.dp).background(if (well) Look.palette.good else Look.palette.trouble, CircleShape))
        Text(
            if (well) "The store is well" else "The store needs care: ${status.health}",
            style = Look.lettering.tiny,
            color = if (well) Look.palette.quiet else Look.palette.trouble,
        )
    }
}

@Composable
private fun Quiet(text: String) =
    Text(text, style = Look.lettering.tiny, color = Look.palette.faint, maxLines = 1, overflow = TextOverflow.Ellipsis)

private fun countsOf(status: Status): String {
    val words = listOf(
        Kind.Note to "note",
        Kind.Quest to "quest",
        Kind.Item to "item",
        Kind.Location to "location",
        Kind.Attachment to "attachment",
    )
    return words.mapNotNull { (kind, word) -> status.counts[kind]?.takeIf { it > 0 }?.let { counted(it, word) } }
        .joinToString(", ")
        .ifEmpty { "Nothing in it yet" }
}

private fun syncWord(status: Status): String = when {
    status.sync.faults.isNotEmpty() -> "${counted(status.sync.faults.size.toLong(), "change")} refused by the server"
    status.sync.state == "off" -> "On this device only"
    else -> "Sync: ${status.sync.state}"
}
