package dev.altair.sample.desktop.detail

import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.PaddingValues
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.fillMaxHeight
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.layout.size
import androidx.compose.foundation.layout.widthIn
import androidx.compose.foundation.lazy.LazyColumn
import androidx.compose.foundation.lazy.LazyListScope
import androidx.compose.foundation.lazy.items
import androidx.compose.foundation.lazy.itemsIndexed
import androidx.compose.foundation.lazy.rememberLazyListState
import androidx.compose.foundation.text.selection.SelectionContainer
import androidx.compose.material3.Icon
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.key
import androidx.compose.runtime.remember
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.graphics.vector.ImageVector
import androidx.compose.ui.platform.LocalUriHandler
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.semantics.heading
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.text.style.TextOverflow
import androidx.compose.ui.unit.dp
import dev.altair.model.Details
import dev.altair.model.Ref
import dev.altair.sample.Editing
import dev.altair.sample.counted
import dev.altair.sample.desktop.Desk
import dev.altair.sample.desktop.LocalDesk
import dev.altair.sample.desktop.look.Icons
import dev.altair.sample.desktop.look.Look
import dev.altair.sample.desktop.parts.HorizontalLine
import dev.altair.sample.desktop.parts.Scrollbar
import dev.altair.sample.desktop.parts.pressable
import dev.altair.sample.orUntitled

/** An entity's text as it is read, with what it is connected with below. It is [alone] when the text isn't there to write, too. */
@Composable
fun ReadingPane(editing: Editing, alone: Boolean) {
    val desk = LocalDesk.current
    val web = LocalUriHandler.current
    val reading = remember(editing.details) { readingOf(desk, editing.details) { url -> runCatching { web.openUri(url) } } }
    val scroll = key(editing.id) { rememberLazyListState() }
    Box(Modifier.fillMaxSize()) {
        SelectionContainer {
            LazyColumn(
                Modifier.fillMaxSize().testTag("preview"),
                state = scroll,
                contentPadding = PaddingValues(start = 32.dp, end = 32.dp, top = 20.dp, bottom = 48.dp),
            ) {
                itemsIndexed(editing.document.blocks) { _, block ->
                    MarkdownBlock(block, reading, Modifier.padding(bottom = 12.dp).widthIn(max = 720.dp))
                }
                if (alone && editing.document.blocks.isEmpty()) {
                    item { Text("Nothing is written here yet.", style = Look.lettering.body, color = Look.palette.faint) }
                }
                connections("Linked from", Icons.Backlink, editing.details.backlinks.distinctBy { it.id }, "backlink", desk)
                connections("Links to", Icons.Link, editing.details.links.distinctBy { it.id to it.title }, "link", desk)
            }
        }
        Scrollbar(scroll, Modifier.align(Alignment.CenterEnd).fillMaxHeight())
    }
}

private fun readingOf(desk: Desk, details: Details, browse: (String) -> Unit): Reading {
    val missing = details.links.filter { it.id == null }.map { it.title.lowercase() }.toSet()
    fun exists(target: String) = target.substringBefore('#').lowercase().let { it !in missing && it.substringAfterLast('/') !in missing }
    val workspace = desk.workspace
    return Reading(
        links = Links(::exists, { workspace.editor.follow(it) }, browse) { query ->
            workspace.search.open()
            workspace.search.search(query)
        },
        tick = { workspace.editor.toggleTask(details.entity.id, it.mark) },
        picture = { workspace.picture(details, it) },
    )
}

private fun LazyListScope.connections(title: String, icon: ImageVector, refs: List<Ref>, tag: String, desk: Desk) {
    if (refs.isEmpty()) return
    item { ConnectionsHeading(title, icon, refs.size) }
    items(refs) { ref -> Connection(ref, tag, desk) }
}

@Composable
private fun ConnectionsHeading(title: String, icon: ImageVector, count: Int) {
    Column(Modifier.padding(top = 20.dp)) {
        HorizontalLine()
        Row(
            Modifier.padding(top = 16.dp, bottom = 4.dp).semantics(mergeDescendants = true) { heading() },
            horizontalArrangement = Arrangement.spacedBy(8.dp),
            verticalAlignment = Alignment.CenterVertically,
        ) {
            Icon(icon, null, Modifier.size(15.dp), tint = Look.palette.quiet)
            Text(title, style = Look.lettering.strong)
            Text(counted(count.toLong(), "place"), style = Look.lettering.small, color = Look.palette.faint)
        }
    }
}

@Composable
private fun Connection(ref: Ref, tag: String, desk: Desk) {
    val palette = Look.palette
    val id = ref.id
    val kind = ref.kind
    fun open() {
        if (id != null && kind != null) desk.workspace.navigation.open(kind, id) else desk.workspace.editor.follow(ref.title)
    }
    Row(
        Modifier.fillMaxWidth().testTag(tag).pressable(::open, label = "Open").padding(horizontal = 8.dp, vertical = 6.dp),
        horizontalArrangement = Arrangement.spacedBy(10.dp),
        verticalAlignment = Alignment.CenterVertically,
    ) {
        Icon(kind?.let(Icons::of) ?: Icons.Plus, null, Modifier.size(16.dp), tint = kind?.let(palette::of) ?: palette.faint)
        Text(
            ref.title.orUntitled(),
            Modifier.weight(1f),
            style = Look.lettering.label,
            color = if (id == null) palette.faint else palette.ink,
            maxLines = 1,
            overflow = TextOverflow.Ellipsis,
        )
        val word = if (id == null) "not written yet" else ref.relation.takeIf { it != "link" }
        if (word != null) Text(word, style = Look.lettering.tiny, color = palette.faint)
    }
}
