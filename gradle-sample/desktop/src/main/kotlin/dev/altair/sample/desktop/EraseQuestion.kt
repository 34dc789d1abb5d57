package dev.altair.sample.desktop

import androidx.compose.foundation.background
import androidx.compose.foundation.border
import androidx.compose.foundation.gestures.detectTapGestures
import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.layout.width
import androidx.compose.foundation.shape.RoundedCornerShape
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.LaunchedEffect
import androidx.compose.runtime.collectAsState
import androidx.compose.runtime.getValue
import androidx.compose.runtime.remember
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.draw.shadow
import androidx.compose.ui.focus.FocusRequester
import androidx.compose.ui.focus.focusRequester
import androidx.compose.ui.input.pointer.pointerInput
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.semantics.paneTitle
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.unit.dp
import dev.altair.sample.desktop.look.Look
import dev.altair.sample.desktop.parts.Emphasis
import dev.altair.sample.desktop.parts.TextButton
import dev.altair.sample.named

/** Asks whether something is really to be erased. */
@Composable
fun EraseQuestion() {
    val trash = LocalDesk.current.workspace.trash
    val asked by trash.confirming.collectAsState()
    val entity = asked ?: return
    val palette = Look.palette
    val focus = remember { FocusRequester() }
    LaunchedEffect(entity.id) { focus.requestFocus() }
    Box(Modifier.fillMaxSize().background(palette.scrim).pointerInput(Unit) { detectTapGestures { trash.keep() } }, Alignment.Center) {
        Column(
            Modifier
                .width(420.dp)
                .shadow(32.dp, RoundedCornerShape(14.dp))
                .background(palette.raised, RoundedCornerShape(14.dp))
                .border(1.dp, palette.line, RoundedCornerShape(14.dp))
                .pointerInput(Unit) { detectTapGestures {} }
                .semantics { paneTitle = "Erase" }
                .padding(24.dp),
            verticalArrangement = Arrangement.spacedBy(8.dp),
        ) {
            Text("Erase ${entity.title.named()}?", style = Look.lettering.title)
            Text("It is gone for good then, with its history. There is no way back.", style = Look.lettering.label, color = palette.quiet)
            Row(Modifier.padding(top = 12.dp).align(Alignment.End), horizontalArrangement = Arrangement.spacedBy(8.dp)) {
                TextButton("Keep it", trash::keep, Modifier.testTag("keep").focusRequester(focus))
                TextButton("Erase", { trash.erase() }, Modifier.testTag("erase-for-good"), emphasis = Emphasis.Danger)
            }
        }
    }
}
