package dev.altair.sample.desktop.parts

import androidx.compose.foundation.background
import androidx.compose.foundation.focusable
import androidx.compose.foundation.gestures.detectTapGestures
import androidx.compose.foundation.hoverable
import androidx.compose.foundation.interaction.MutableInteractionSource
import androidx.compose.foundation.interaction.collectIsFocusedAsState
import androidx.compose.foundation.interaction.collectIsHoveredAsState
import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.PaddingValues
import androidx.compose.foundation.layout.fillMaxHeight
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.lazy.LazyColumn
import androidx.compose.foundation.lazy.LazyListState
import androidx.compose.foundation.lazy.items
import androidx.compose.foundation.lazy.rememberLazyListState
import androidx.compose.foundation.selection.selectableGroup
import androidx.compose.foundation.shape.RoundedCornerShape
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.LaunchedEffect
import androidx.compose.runtime.getValue
import androidx.compose.runtime.remember
import androidx.compose.runtime.rememberUpdatedState
import androidx.compose.runtime.snapshotFlow
import androidx.compose.runtime.withFrameNanos
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.draw.clip
import androidx.compose.ui.focus.FocusRequester
import androidx.compose.ui.focus.focusRequester
import androidx.compose.ui.graphics.Color
import androidx.compose.ui.input.InputMode
import androidx.compose.ui.input.key.Key
import androidx.compose.ui.input.key.KeyEvent
import androidx.compose.ui.input.key.KeyEventType
import androidx.compose.ui.input.key.isAltPressed
import androidx.compose.ui.input.key.isCtrlPressed
import androidx.compose.ui.input.key.isMetaPressed
import androidx.compose.ui.input.key.key
import androidx.compose.ui.input.key.onKeyEvent
import androidx.compose.ui.input.key.type
import androidx.compose.ui.input.pointer.pointerInput
import androidx.compose.ui.platform.LocalInputModeManager
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.semantics.contentDescription
import androidx.compose.ui.semantics.onClick
import androidx.compose.ui.semantics.selected
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.unit.dp
import dev.altair.model.EntityId
import dev.altair.sample.desktop.look.Look
import kotlinx.coroutines.flow.distinctUntilChanged
import kotlinx.coroutines.flow.filter
import kotlinx.coroutines.flow.first

/** Things of a list under a heading of their own. */
data class ListGroup<T>(val heading: String?, val things: List<T>)

/** What can be done with a list. */
class ListActs<T>(
    val select: (T) -> Unit,
    val enter: (T) -> Unit = select,
    val delete: ((T) -> Unit)? = null,
    val more: () -> Unit = {},
    /** What other keys do with the selected thing; false for keys that it doesn't know. */
    val key: (KeyEvent, T) -> Boolean = { _, _ -> false },
)

/** A list with one thing selected. It is one stop of the Tab key; arrows, Home and End move the selection. */
@Composable
fun <T> SelectableList(
    name: String,
    groups: List<ListGroup<T>>,
    idOf: (T) -> EntityId,
    selected: EntityId?,
    acts: ListActs<T>,
    modifier: Modifier = Modifier,
    focus: FocusRequester = remember { FocusRequester() },
    row: @Composable (T, Boolean) -> Unit,
) {
    val scroll = rememberLazyListState()
    val source = remember { MutableInteractionSource() }
    val focused by source.collectIsFocusedAsState()
    val byKeyboard = LocalInputModeManager.current.inputMode == InputMode.Keyboard
    val things = remember(groups) { groups.flatMap { it.things } }
    val inGroup = remember(groups) { groups.any { it.heading != null } }
    KeepInSight(scroll, groups, idOf, selected)
    ReadOn(scroll, things.size, acts.more)
    Box(modifier.fillMaxSize().ring(focused && byKeyboard && things.none { idOf(it) == selected }, 8.dp, gap = (-4).dp)) {
        LazyColumn(
            Modifier
                .fillMaxSize()
                .testTag("list")
                .semantics { contentDescription = name }
                .selectableGroup()
                .focusRequester(focus)
                .onKeyEvent { event -> event.type == KeyEventType.KeyDown && press(event, things, idOf, selected, acts) }
                .focusable(interactionSource = source),
            state = scroll,
            contentPadding = PaddingValues(horizontal = 8.dp, vertical = if (inGroup) 0.dp else 4.dp),
        ) {
            groups.forEach { group ->
                if (group.heading != null) {
                    item(key = "heading ${group.heading}") { GroupHeading(group.heading) }
                }
                items(group.things, key = { idOf(it).value }) { thing ->
                    val isSelected = idOf(thing) == selected
                    ListRow(isSelected, focused && byKeyboard && isSelected, {
                        focus.requestFocus()
                        acts.select(thing)
                    }) { row(thing, isSelected) }
                }
            }
        }
        Scrollbar(scroll, Modifier.align(Alignment.CenterEnd).fillMaxHeight())
    }
}

@Composable
private fun GroupHeading(text: String) {
    Text(
        text,
        Modifier.padding(start = 12.dp, top = 12.dp, bottom = 4.dp),
        style = Look.lettering.tiny,
        color = Look.palette.faint,
    )
}

@Composable
private fun ListRow(isSelected: Boolean, ringed: Boolean, onPress: () -> Unit, content: @Composable () -> Unit) {
    val palette = Look.palette
    val source = remember { MutableInteractionSource() }
    val hovered by source.collectIsHoveredAsState()
    val press by rememberUpdatedState(onPress)
    val fill = when {
        isSelected -> palette.selected
        hovered -> palette.hover
        else -> Color.Transparent
    }
    Box(
        Modifier
            .fillMaxWidth()
            .padding(vertical = 1.dp)
            .ring(ringed, 8.dp, gap = (-2).dp)
            .clip(RoundedCornerShape(8.dp))
            .background(fill)
            .hoverable(source)
            .semantics(mergeDescendants = true) {
                selected = isSelected
                onClick {
                    press()
                    true
                }
            }
            .pointerInput(Unit) { detectTapGestures { press() } }
            .padding(horizontal = 12.dp, vertical = 10.dp),
    ) { content() }
}

private fun <T> press(event: KeyEvent, things: List<T>, idOf: (T) -> EntityId, selected: EntityId?, acts: ListActs<T>): Boolean {
    if (things.isEmpty() || event.isCtrlPressed || event.isMetaPressed || event.isAltPressed) return false
    val at = things.indexOfFirst { idOf(it) == selected }
    fun select(index: Int): Boolean {
        things.getOrNull(index)?.let(acts.select)
        return true
    }
    val thing = things.getOrNull(at)
    return when {
        event.key == Key.DirectionDown -> select(at + 1)
        event.key == Key.DirectionUp -> select(if (at < 0) 0 else at - 1)
        event.key == Key.MoveHome -> select(0)
        event.key == Key.MoveEnd -> select(things.lastIndex)
        thing == null -> false
        event.isEnter -> true.also { acts.enter(thing) }
        event.key == Key.Delete && acts.delete != null -> {
            things.getOrNull(at + 1)?.let(acts.select)
            acts.delete.invoke(thing)
            true
        }
        else -> acts.key(event, thing)
    }
}

/** Scrolls to the selected thing when it is out of sight, and stays at the top when something new comes in there. */
@Composable
private fun <T> KeepInSight(scroll: LazyListState, groups: List<ListGroup<T>>, idOf: (T) -> EntityId, selected: EntityId?) {
    val keys = remember(groups) {
        groups.flatMap { group -> listOfNotNull(group.heading?.let { "heading $it" }) + group.things.map { idOf(it).value } }
    }
    if (scroll.firstVisibleItemIndex == 0 && scroll.firstVisibleItemScrollOffset == 0) scroll.requestScrollToItem(0)
    val index = keys.indexOf(selected?.value)
    LaunchedEffect(selected, index >= 0) {
        if (index < 0) return@LaunchedEffect
        snapshotFlow { scroll.layoutInfo.visibleItemsInfo.isNotEmpty() }.first { it }
        withFrameNanos {} // The list may be in the middle of its layout still, where it can't be scrolled.
        val seen = scroll.layoutInfo.visibleItemsInfo.filter {
            it.offset >= 0 && it.offset + it.size <= scroll.layoutInfo.viewportEndOffset
        }.map { it.index }
        if (seen.isEmpty() || index in seen.first()..seen.last()) return@LaunchedEffect
        scroll.scrollToItem(if (index < seen.first()) index else (index - seen.size + 1).coerceAtLeast(0))
    }
}

/** Asks for more when the end comes into sight. */
@Composable
private fun ReadOn(scroll: LazyListState, size: Int, more: () -> Unit) {
    val readMore by rememberUpdatedState(more)
    LaunchedEffect(scroll, size) {
        snapshotFlow { scroll.layoutInfo.visibleItemsInfo.lastOrNull()?.index ?: 0 }
            .distinctUntilChanged()
            .filter { it >= size - AHEAD }
            .collect { readMore() }
    }
}

private const val AHEAD = 20
