package dev.altair.sample.desktop.detail

import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.PaddingValues
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.fillMaxHeight
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.height
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.lazy.LazyColumn
import androidx.compose.foundation.lazy.itemsIndexed
import androidx.compose.foundation.lazy.rememberLazyListState
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.collectAsState
import androidx.compose.runtime.getValue
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.semantics.heading
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.text.style.TextOverflow
import androidx.compose.ui.unit.dp
import dev.altair.model.Version
import dev.altair.sample.ago
import dev.altair.sample.desktop.LocalDesk
import dev.altair.sample.desktop.LocalNow
import dev.altair.sample.desktop.look.Icons
import dev.altair.sample.desktop.look.Look
import dev.altair.sample.desktop.parts.Hinted
import dev.altair.sample.desktop.parts.IconButton
import dev.altair.sample.desktop.parts.Scrollbar
import dev.altair.sample.desktop.parts.TextButton
import dev.altair.sample.moment
import dev.altair.sample.short
import dev.altair.sample.word

/** The versions of the open entity, newest first, and the way back to each. */
@Composable
fun HistoryPane(modifier: Modifier = Modifier) {
    val history = LocalDesk.current.workspace.history
    val versions by history.versions.collectAsState()
    val scroll = rememberLazyListState()
    Column(modifier.fillMaxHeight().testTag("versions")) {
        Row(Modifier.fillMaxWidth().height(48.dp).padding(start = 20.dp, end = 8.dp), verticalAlignment = Alignment.CenterVertically) {
            Text("History", Modifier.weight(1f).semantics { heading() }, style = Look.lettering.heading)
            IconButton(Icons.Close, "Hide the history", history::hide)
        }
        Box(Modifier.fillMaxSize()) {
            LazyColumn(
                Modifier.fillMaxSize(),
                state = scroll,
                contentPadding = PaddingValues(start = 20.dp, end = 16.dp, bottom = 24.dp),
                verticalArrangement = Arrangement.spacedBy(20.dp),
            ) {
                itemsIndexed(versions.things, key = { _, version -> version.id.value }) { index, version ->
                    VersionView(version, isCurrent = index == 0) { history.restore(version.id) }
                }
                if (versions.more) {
                    item { TextButton("Show earlier versions", history::more, Modifier.testTag("earlier-versions"), icon = Icons.History) }
                }
            }
            Scrollbar(scroll, Modifier.align(Alignment.CenterEnd).fillMaxHeight())
        }
    }
}

@Composable
private fun VersionView(version: Version, isCurrent: Boolean, onRestore: () -> Unit) {
    val now = LocalNow.current
    val palette = Look.palette
    Column(Modifier.fillMaxWidth(), verticalArrangement = Arrangement.spacedBy(4.dp)) {
        Hinted(moment(version.at, now.zone)) {
            Text(ago(version.at, now.instant, now.zone).replaceFirstChar(Char::uppercase), style = Look.lettering.strong)
        }
        version.changes.forEach { change ->
            Text(change.word(), style = Look.lettering.small, color = palette.quiet, maxLines = 2, overflow = TextOverflow.Ellipsis)
            if (change.field == "body" || change.field == "text") {
                Text(change.new.short(), style = Look.lettering.tiny, color = palette.faint, maxLines = 4, overflow = TextOverflow.Ellipsis)
            }
        }
        if (isCurrent) {
            Text("This is how it is now", style = Look.lettering.tiny, color = palette.accent)
        } else {
            TextButton("Restore this", onRestore, Modifier.padding(top = 4.dp).testTag("restore-version"), icon = Icons.History)
        }
    }
}
