package dev.altair.sample.desktop

import androidx.compose.animation.AnimatedVisibility
import androidx.compose.animation.fadeIn
import androidx.compose.animation.fadeOut
import androidx.compose.foundation.background
import androidx.compose.foundation.border
import androidx.compose.foundation.interaction.MutableInteractionSource
import androidx.compose.foundation.interaction.collectIsFocusedAsState
import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.heightIn
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.layout.size
import androidx.compose.foundation.shape.RoundedCornerShape
import androidx.compose.foundation.text.input.TextFieldLineLimits
import androidx.compose.foundation.text.input.clearText
import androidx.compose.foundation.text.input.setTextAndPlaceCursorAtEnd
import androidx.compose.material3.Icon
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.LaunchedEffect
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableIntStateOf
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.remember
import androidx.compose.runtime.rememberCoroutineScope
import androidx.compose.runtime.setValue
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.focus.focusRequester
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.unit.dp
import dev.altair.sample.desktop.look.Icons
import dev.altair.sample.desktop.look.Look
import dev.altair.sample.desktop.parts.BareField
import dev.altair.sample.desktop.parts.IconButton
import dev.altair.sample.desktop.parts.KeyCap
import dev.altair.sample.desktop.parts.leftByTab
import dev.altair.sample.desktop.parts.onEnter
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import kotlin.time.Duration.Companion.seconds

/** The field that is always ready for a thought, and the way back. */
@Composable
fun CaptureBar() {
    val workspace = LocalDesk.current.workspace
    Row(
        Modifier.fillMaxWidth().background(Look.palette.paper).padding(start = 16.dp, end = 12.dp, top = 12.dp, bottom = 12.dp),
        horizontalArrangement = Arrangement.spacedBy(4.dp),
        verticalAlignment = Alignment.CenterVertically,
    ) {
        CaptureField(Modifier.weight(1f))
        IconButton(Icons.Back, "Back (Alt-Left)", { workspace.navigation.back() })
        IconButton(Icons.Undo, "Undo (${keyName("Z")})", { workspace.undo.undo() }, Modifier.testTag("undo"))
        IconButton(Icons.Redo, "Redo (${keyName("Shift-Z")})", { workspace.undo.redo() }, Modifier.testTag("redo"))
    }
}

@Composable
private fun CaptureField(modifier: Modifier = Modifier) {
    val desk = LocalDesk.current
    val palette = Look.palette
    val scope = rememberCoroutineScope()
    val source = remember { MutableInteractionSource() }
    val focused by source.collectIsFocusedAsState()
    var kept by remember { mutableIntStateOf(0) }
    Row(
        modifier
            .heightIn(min = 40.dp)
            .background(palette.raised, RoundedCornerShape(10.dp))
            .border(if (focused) 2.dp else 1.dp, if (focused) palette.accent else palette.line, RoundedCornerShape(10.dp))
            .padding(horizontal = 12.dp),
        horizontalArrangement = Arrangement.spacedBy(10.dp),
        verticalAlignment = Alignment.CenterVertically,
    ) {
        Icon(Icons.Plus, null, Modifier.size(18.dp), tint = if (focused) palette.accent else palette.faint)
        BareField(
            desk.capture,
            "Capture a thought",
            Modifier.weight(1f).testTag("capture").focusRequester(desk.captureFocus).leftByTab().onEnter {
                val text = desk.capture.text.toString()
                desk.capture.clearText()
                scope.launch {
                    if (!desk.workspace.inbox.capture(text)) {
                        desk.capture.setTextAndPlaceCursorAtEnd(text + desk.capture.text)
                    } else if (text.isNotBlank()) {
                        kept++
                    }
                }
            },
            placeholder = "Capture a thought",
            style = Look.lettering.body,
            lines = TextFieldLineLimits.MultiLine(maxHeightInLines = 4),
            source = source,
        )
        Kept(kept)
        KeyCap(if (focused) "Enter" else keyName("Space"))
    }
}

/** Says for a moment that a thought is safe. */
@Composable
private fun Kept(count: Int) {
    var visible by remember { mutableStateOf(false) }
    LaunchedEffect(count) {
        if (count == 0) return@LaunchedEffect
        visible = true
        delay(2.seconds)
        visible = false
    }
    AnimatedVisibility(visible, enter = fadeIn(), exit = fadeOut()) {
        Row(horizontalArrangement = Arrangement.spacedBy(4.dp), verticalAlignment = Alignment.CenterVertically) {
            Icon(Icons.Check, null, Modifier.size(14.dp), tint = Look.palette.good)
            Text("Captured", style = Look.lettering.small, color = Look.palette.good)
        }
    }
}
