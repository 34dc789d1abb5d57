package dev.altair.sample.desktop

import androidx.compose.foundation.background
import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.fillMaxHeight
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.padding
import androidx.compose.runtime.Composable
import androidx.compose.runtime.CompositionLocalProvider
import androidx.compose.runtime.LaunchedEffect
import androidx.compose.runtime.collectAsState
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.produceState
import androidx.compose.runtime.remember
import androidx.compose.runtime.setValue
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.input.key.KeyEvent
import androidx.compose.ui.input.key.onPreviewKeyEvent
import androidx.compose.ui.platform.LocalFocusManager
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.unit.dp
import dev.altair.sample.AppModel
import dev.altair.sample.AppState
import dev.altair.sample.Section
import dev.altair.sample.Workspace
import dev.altair.sample.desktop.look.AltairLook
import dev.altair.sample.desktop.look.Icons
import dev.altair.sample.desktop.look.Look
import dev.altair.sample.desktop.parts.Emphasis
import dev.altair.sample.desktop.parts.EmptyState
import dev.altair.sample.desktop.parts.HorizontalLine
import dev.altair.sample.desktop.parts.LocalTextFocus
import dev.altair.sample.desktop.parts.TextButton
import dev.altair.sample.desktop.parts.VerticalLine
import dev.altair.sample.desktop.rooms.ConflictsRoom
import dev.altair.sample.desktop.rooms.ImportRoom
import dev.altair.sample.desktop.rooms.InboxRoom
import dev.altair.sample.desktop.rooms.ItemsRoom
import dev.altair.sample.desktop.rooms.LocationsRoom
import dev.altair.sample.desktop.rooms.NotesRoom
import dev.altair.sample.desktop.rooms.QuestsRoom
import dev.altair.sample.desktop.rooms.TrashRoom
import kotlinx.coroutines.delay
import kotlin.time.Duration.Companion.seconds

/** Hands the keys that reach nothing in particular to whoever shows the store. */
class KeyRelay {
    private val handler = mutableStateOf<((KeyEvent) -> Boolean)?>(null)

    fun press(event: KeyEvent): Boolean = handler.value?.invoke(event) ?: false

    fun handleWith(handle: ((KeyEvent) -> Boolean)?) {
        handler.value = handle
    }
}

/** The whole window, from opening the store to closing it. */
@Composable
fun App(model: AppModel, dark: Boolean, onToggleDark: () -> Unit, keys: KeyRelay = remember { KeyRelay() }) {
    val state by model.state.collectAsState()
    val now by produceState(Now()) {
        while (true) {
            delay(TICK)
            value = Now()
        }
    }
    AltairLook(dark) {
        CompositionLocalProvider(LocalNow provides now) {
            Box(Modifier.fillMaxSize().background(Look.palette.paper)) {
                when (val shown = state) {
                    AppState.Opening, AppState.Closed -> Unit
                    is AppState.Failed -> CannotOpen(model, shown)
                    is AppState.Open -> OpenStore(shown.workspace, dark, onToggleDark, keys)
                }
            }
        }
    }
}

@Composable
private fun CannotOpen(model: AppModel, failed: AppState.Failed) {
    val what = failed.cause.what.replaceFirstChar(Char::uppercase)
    val hint = failed.cause.hint.replaceFirstChar(Char::uppercase)
    EmptyState(Icons.Warning, "The store can't be opened", "$what. $hint.", Modifier.testTag("failed")) {
        TextButton("Try again", model::retry, emphasis = Emphasis.Main)
    }
}

@Composable
private fun OpenStore(workspace: Workspace, dark: Boolean, onToggleDark: () -> Unit, keys: KeyRelay) {
    val focus = LocalFocusManager.current
    val desk = remember(workspace) { Desk(workspace) }
    val shortcuts = remember(desk, focus) { Shortcuts(desk, focus) }
    LaunchedEffect(shortcuts) {
        keys.handleWith(shortcuts::press)
        desk.captureFocus.tryFocus()
    }
    FocusAfterSearch(desk)
    CompositionLocalProvider(LocalDesk provides desk, LocalTextFocus provides desk.textFocus) {
        Box(Modifier.fillMaxSize().onPreviewKeyEvent(shortcuts::press)) {
            Column {
                Row(Modifier.weight(1f)) {
                    Sidebar()
                    VerticalLine()
                    Column(Modifier.weight(1f).fillMaxHeight()) {
                        CaptureBar()
                        HorizontalLine()
                        Box(Modifier.weight(1f)) { Room() }
                    }
                }
                HorizontalLine()
                StatusLine(dark, onToggleDark)
            }
            StatementCard(Modifier.align(Alignment.BottomEnd).padding(end = 20.dp, bottom = 48.dp))
            SearchOverlay()
            EraseQuestion()
        }
    }
}

/** Gives the focus to the list when the search closes, where it would be lost otherwise. */
@Composable
private fun FocusAfterSearch(desk: Desk) {
    val search by desk.workspace.search.state.collectAsState()
    var wasOpen by remember { mutableStateOf(false) }
    LaunchedEffect(search.open) {
        if (wasOpen && !search.open) desk.listFocus.tryFocus()
        wasOpen = search.open
    }
}

@Composable
private fun Room() {
    val place by LocalDesk.current.workspace.navigation.place.collectAsState()
    when (place.section) {
        Section.Inbox -> InboxRoom()
        Section.Notes -> NotesRoom()
        Section.Quests -> QuestsRoom()
        Section.Items -> ItemsRoom()
        Section.Locations -> LocationsRoom()
        Section.Conflicts -> ConflictsRoom()
        Section.Trash -> TrashRoom()
        Section.Import -> ImportRoom()
    }
}

private val TICK = 20.seconds
