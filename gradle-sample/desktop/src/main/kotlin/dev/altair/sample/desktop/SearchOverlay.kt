package dev.altair.sample.desktop

import androidx.compose.foundation.background
import androidx.compose.foundation.border
import androidx.compose.foundation.gestures.detectTapGestures
import androidx.compose.foundation.hoverable
import androidx.compose.foundation.interaction.MutableInteractionSource
import androidx.compose.foundation.interaction.collectIsHoveredAsState
import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.PaddingValues
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.height
import androidx.compose.foundation.layout.heightIn
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.layout.size
import androidx.compose.foundation.layout.width
import androidx.compose.foundation.lazy.LazyColumn
import androidx.compose.foundation.lazy.itemsIndexed
import androidx.compose.foundation.lazy.rememberLazyListState
import androidx.compose.foundation.shape.RoundedCornerShape
import androidx.compose.foundation.text.input.TextFieldState
import androidx.compose.material3.Icon
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.LaunchedEffect
import androidx.compose.runtime.collectAsState
import androidx.compose.runtime.getValue
import androidx.compose.runtime.remember
import androidx.compose.runtime.snapshotFlow
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.draw.clip
import androidx.compose.ui.draw.shadow
import androidx.compose.ui.focus.FocusRequester
import androidx.compose.ui.focus.focusRequester
import androidx.compose.ui.graphics.Color
import androidx.compose.ui.input.key.Key
import androidx.compose.ui.input.key.KeyEvent
import androidx.compose.ui.input.key.KeyEventType
import androidx.compose.ui.input.key.key
import androidx.compose.ui.input.key.onPreviewKeyEvent
import androidx.compose.ui.input.key.type
import androidx.compose.ui.input.pointer.pointerInput
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.semantics.onClick
import androidx.compose.ui.semantics.paneTitle
import androidx.compose.ui.semantics.selected
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.text.AnnotatedString
import androidx.compose.ui.text.SpanStyle
import androidx.compose.ui.text.buildAnnotatedString
import androidx.compose.ui.text.font.FontWeight
import androidx.compose.ui.text.style.TextOverflow
import androidx.compose.ui.unit.dp
import dev.altair.model.Hit
import dev.altair.model.Snippet
import dev.altair.sample.SearchModel
import dev.altair.sample.SearchState
import dev.altair.sample.desktop.look.Icons
import dev.altair.sample.desktop.look.Look
import dev.altair.sample.desktop.parts.BareField
import dev.altair.sample.desktop.parts.HorizontalLine
import dev.altair.sample.desktop.parts.KeyCap
import dev.altair.sample.desktop.parts.isEnter
import dev.altair.sample.orUntitled
import dev.altair.sample.word

/** Search over everything else, as one types. */
@Composable
fun SearchOverlay() {
    val model = LocalDesk.current.workspace.search
    val state by model.state.collectAsState()
    if (!state.open) return
    val palette = Look.palette
    val shape = RoundedCornerShape(14.dp)
    Box(Modifier.fillMaxSize().background(palette.scrim).pointerInput(Unit) { detectTapGestures { model.close() } }, Alignment.TopCenter) {
        Column(
            Modifier
                .padding(top = 72.dp, start = 24.dp, end = 24.dp)
                .width(680.dp)
                .shadow(32.dp, shape)
                .clip(shape)
                .background(palette.raised)
                .border(1.dp, palette.line, shape)
                .pointerInput(Unit) { detectTapGestures {} }
                .semantics { paneTitle = "Search" },
        ) {
            Query(model, state)
            HorizontalLine()
            Answers(model, state)
            HorizontalLine()
            Keys()
        }
    }
}

@Composable
private fun Query(model: SearchModel, state: SearchState) {
    val field = remember { TextFieldState(state.query) }
    val focus = remember { FocusRequester() }
    LaunchedEffect(Unit) {
        focus.requestFocus()
        snapshotFlow { field.text.toString() }.collect(model::search)
    }
    Row(
        Modifier.height(56.dp).padding(horizontal = 18.dp),
        horizontalArrangement = Arrangement.spacedBy(12.dp),
        verticalAlignment = Alignment.CenterVertically,
    ) {
        Icon(Icons.Search, null, Modifier.size(20.dp), tint = Look.palette.quiet)
        BareField(
            field,
            "Search",
            Modifier.weight(1f).testTag("query").focusRequester(focus).onPreviewKeyEvent { press(it, model, field) },
            placeholder = "Search everything",
            style = Look.lettering.title.copy(fontWeight = FontWeight.Normal),
        )
        if (state.found) {
            Text(
                "${state.hits.size}${if (state.hits.size >= SearchModel.MOST) "+" else ""}",
                style = Look.lettering.small,
                color = Look.palette.faint,
            )
        }
    }
}

private fun press(event: KeyEvent, model: SearchModel, field: TextFieldState): Boolean {
    val act: () -> Unit = when {
        event.key == Key.DirectionDown -> {
            { model.move(1) }
        }
        event.key == Key.DirectionUp -> {
            { model.move(-1) }
        }
        event.isEnter -> {
            {
                val query = field.text.toString()
                if (query != model.state.value.query) model.search(query)
                model.choose()
            }
        }
        else -> return false
    }
    if (event.type == KeyEventType.KeyDown) act()
    return true
}

@Composable
private fun Answers(model: SearchModel, state: SearchState) {
    val scroll = rememberLazyListState()
    LaunchedEffect(state.selected, state.answered) {
        val seen = scroll.layoutInfo.visibleItemsInfo.filter {
            it.offset >= 0 && it.offset + it.size <= scroll.layoutInfo.viewportEndOffset
        }
        if (state.found && seen.none { it.index == state.selected }) {
            scroll.scrollToItem(
                if (state.selected <
                    (seen.firstOrNull()?.index ?: 0)
                ) {
                    state.selected
                } else {
                    (state.selected - seen.size + 1).coerceAtLeast(0)
                },
            )
        }
    }
    Box(Modifier.fillMaxWidth().heightIn(min = 96.dp, max = 440.dp)) {
        val message = when {
            state.hint != null -> state.hint
            state.nothingFound -> "Nothing has these words. Try fewer of them, or only their beginnings."
            state.query.isBlank() -> "Words find what holds all of them. “A phrase”, -without, kind:quest, tag:garden narrow it down."
            else -> null
        }
        if (message != null) {
            Text(
                message,
                Modifier.align(Alignment.Center).padding(horizontal = 48.dp),
                style = Look.lettering.label,
                color = Look.palette.quiet,
            )
        } else {
            LazyColumn(Modifier.fillMaxWidth().testTag("hits"), state = scroll, contentPadding = PaddingValues(8.dp)) {
                itemsIndexed(state.hits, key = { _, hit -> hit.id.value }) { index, hit ->
                    HitRow(hit, index == state.selected) { model.choose(hit) }
                }
            }
        }
    }
}

@Composable
private fun HitRow(hit: Hit, isSelected: Boolean, onPress: () -> Unit) {
    val palette = Look.palette
    val source = remember { MutableInteractionSource() }
    val hovered by source.collectIsHoveredAsState()
    val fill = if (isSelected) {
        palette.selected
    } else if (hovered) {
        palette.hover
    } else {
        Color.Transparent
    }
    Row(
        Modifier
            .fillMaxWidth()
            .testTag("hit")
            .clip(RoundedCornerShape(8.dp))
            .background(fill)
            .hoverable(source)
            .semantics(mergeDescendants = true) {
                selected = isSelected
                onClick {
                    onPress()
                    true
                }
            }
            .pointerInput(hit.id) { detectTapGestures { onPress() } }
            .padding(horizontal = 12.dp, vertical = 10.dp),
        horizontalArrangement = Arrangement.spacedBy(12.dp),
    ) {
        Icon(Icons.of(hit.kind), hit.kind.word, Modifier.padding(top = 1.dp).size(18.dp), tint = palette.of(hit.kind))
        Column(Modifier.weight(1f), verticalArrangement = Arrangement.spacedBy(2.dp)) {
            Text(hit.title.orUntitled(), style = Look.lettering.strong, maxLines = 1, overflow = TextOverflow.Ellipsis)
            Text(
                highlighted(hit.snippet),
                style = Look.lettering.small,
                color = palette.quiet,
                maxLines = 2,
                overflow = TextOverflow.Ellipsis,
            )
        }
    }
}

@Composable
private fun highlighted(snippet: Snippet): AnnotatedString {
    val palette = Look.palette
    return buildAnnotatedString {
        append(snippet.text)
        snippet.highlights.forEach { range ->
            addStyle(SpanStyle(background = palette.mark, color = palette.ink, fontWeight = FontWeight.Medium), range.first, range.last + 1)
        }
    }
}

@Composable
private fun Keys() {
    Row(
        Modifier.fillMaxWidth().background(Look.palette.frame).padding(horizontal = 18.dp, vertical = 8.dp),
        horizontalArrangement = Arrangement.spacedBy(16.dp),
    ) {
        listOf("↑ ↓" to "choose", "Enter" to "open", "Esc" to "close").forEach { (key, meaning) ->
            Row(horizontalArrangement = Arrangement.spacedBy(6.dp), verticalAlignment = Alignment.CenterVertically) {
                KeyCap(key)
                Text(meaning, style = Look.lettering.tiny, color = Look.palette.faint)
            }
        }
    }
}
