package dev.altair.sample.desktop

import androidx.compose.foundation.text.input.TextFieldState
import androidx.compose.runtime.Stable
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.setValue
import androidx.compose.runtime.staticCompositionLocalOf
import androidx.compose.ui.focus.FocusRequester
import dev.altair.sample.Workspace
import dev.altair.sample.desktop.parts.TextFocus
import kotlinx.datetime.Clock
import kotlinx.datetime.Instant
import kotlinx.datetime.TimeZone

/** How a text is shown: to write, to read, or both beside each other. */
enum class TextMode { Write, Both, Read }

/** What belongs to the window and not to the store: where the focus goes, and how texts are shown. */
@Stable
class Desk(val workspace: Workspace) {
    val capture = TextFieldState()
    val captureFocus = FocusRequester()
    val listFocus = FocusRequester()
    val bodyFocus = FocusRequester()
    val textFocus = TextFocus()
    var textMode by mutableStateOf(TextMode.Both)
}

val LocalDesk = staticCompositionLocalOf<Desk> { error("there is no desk outside of an open store") }

/** What the time is, for everything that tells how long ago something was. */
data class Now(val instant: Instant = Clock.System.now(), val zone: TimeZone = TimeZone.currentSystemDefault())

val LocalNow = staticCompositionLocalOf { Now() }

/** Asks for the focus; where its owner isn't there, nothing happens. */
fun FocusRequester.tryFocus() {
    try {
        requestFocus()
    } catch (_: IllegalStateException) {
        return
    }
}
