package dev.altair.sample.desktop

import androidx.compose.animation.AnimatedVisibility
import androidx.compose.animation.fadeIn
import androidx.compose.animation.fadeOut
import androidx.compose.animation.slideInVertically
import androidx.compose.animation.slideOutVertically
import androidx.compose.foundation.background
import androidx.compose.foundation.border
import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.layout.size
import androidx.compose.foundation.layout.widthIn
import androidx.compose.foundation.shape.RoundedCornerShape
import androidx.compose.material3.Icon
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.LaunchedEffect
import androidx.compose.runtime.collectAsState
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.remember
import androidx.compose.runtime.setValue
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.draw.shadow
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.semantics.LiveRegionMode
import androidx.compose.ui.semantics.liveRegion
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.unit.dp
import dev.altair.sample.Statement
import dev.altair.sample.desktop.look.Icons
import dev.altair.sample.desktop.look.Look
import dev.altair.sample.desktop.parts.IconButton
import dev.altair.sample.desktop.parts.TextButton
import kotlinx.coroutines.delay
import kotlin.time.Duration.Companion.seconds

/** What the app has to say, in a corner. Good news goes away by itself; trouble stays until it is dismissed. */
@Composable
fun StatementCard(modifier: Modifier = Modifier) {
    val workspace = LocalDesk.current.workspace
    val current by workspace.statements.current.collectAsState()
    var last by remember { mutableStateOf<Statement?>(null) }
    LaunchedEffect(current) {
        val shown = current ?: return@LaunchedEffect
        last = shown
        if (shown.tone == Statement.Tone.Done) {
            delay(LINGER)
            workspace.statements.dismiss(shown)
        }
    }
    AnimatedVisibility(
        current != null,
        modifier,
        enter = fadeIn() + slideInVertically { it / 2 },
        exit = fadeOut() + slideOutVertically { it / 2 },
    ) {
        (current ?: last)?.let { Card(it) }
    }
}

@Composable
private fun Card(statement: Statement) {
    val workspace = LocalDesk.current.workspace
    val palette = Look.palette
    val trouble = statement.tone == Statement.Tone.Trouble
    val shape = RoundedCornerShape(10.dp)
    Row(
        Modifier
            .testTag("statement")
            .semantics { liveRegion = if (trouble) LiveRegionMode.Assertive else LiveRegionMode.Polite }
            .widthIn(min = 240.dp, max = 480.dp)
            .shadow(12.dp, shape)
            .background(if (trouble) palette.troubleSoft else palette.raised, shape)
            .border(1.dp, if (trouble) palette.trouble.copy(alpha = 0.4f) else palette.line, shape)
            .padding(start = 14.dp, end = 6.dp, top = 8.dp, bottom = 8.dp),
        horizontalArrangement = Arrangement.spacedBy(10.dp),
        verticalAlignment = Alignment.CenterVertically,
    ) {
        Icon(
            if (trouble) Icons.Warning else Icons.Check,
            null,
            Modifier.size(18.dp),
            tint = if (trouble) palette.trouble else palette.good,
        )
        Column(Modifier.weight(1f, fill = false)) {
            Text(statement.what, style = Look.lettering.strong)
            statement.hint?.let { Text(it, style = Look.lettering.small, color = palette.quiet) }
        }
        statement.subject?.let { subject -> TextButton("Open", { workspace.open(subject) }, Modifier.testTag("statement-open")) }
        IconButton(Icons.Close, "Dismiss", { workspace.statements.dismiss(statement) }, Modifier.testTag("dismiss"))
    }
}

private val LINGER = 6.seconds
