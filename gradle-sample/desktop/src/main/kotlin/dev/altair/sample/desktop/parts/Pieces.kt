package dev.altair.sample.desktop.parts

import androidx.compose.foundation.background
import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.RowScope
import androidx.compose.foundation.layout.Spacer
import androidx.compose.foundation.layout.fillMaxHeight
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.height
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.layout.size
import androidx.compose.foundation.layout.width
import androidx.compose.foundation.layout.widthIn
import androidx.compose.foundation.shape.RoundedCornerShape
import androidx.compose.material3.Icon
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.graphics.Color
import androidx.compose.ui.graphics.vector.ImageVector
import androidx.compose.ui.semantics.heading
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.text.style.TextAlign
import androidx.compose.ui.text.style.TextOverflow
import androidx.compose.ui.unit.dp
import dev.altair.sample.desktop.look.Look

/** What is shown where nothing is: what belongs here, and the next step. */
@Composable
fun EmptyState(icon: ImageVector, title: String, text: String, modifier: Modifier = Modifier, action: @Composable () -> Unit = {}) {
    val palette = Look.palette
    Box(modifier.fillMaxSize().padding(24.dp), contentAlignment = Alignment.Center) {
        Column(Modifier.widthIn(max = 320.dp), horizontalAlignment = Alignment.CenterHorizontally) {
            Box(Modifier.size(48.dp).background(palette.accentSoft, RoundedCornerShape(14.dp)), contentAlignment = Alignment.Center) {
                Icon(icon, null, Modifier.size(24.dp), tint = palette.accent)
            }
            Spacer(Modifier.height(16.dp))
            Text(title, style = Look.lettering.title, textAlign = TextAlign.Center)
            Spacer(Modifier.height(4.dp))
            Text(text, style = Look.lettering.label, color = palette.quiet, textAlign = TextAlign.Center)
            Spacer(Modifier.height(16.dp))
            action()
        }
    }
}

/** The top of a list: what it holds and what can be added. */
@Composable
fun ListHeader(title: String, count: String, actions: @Composable RowScope.() -> Unit = {}) {
    Row(
        Modifier.fillMaxWidth().height(56.dp).padding(start = 20.dp, end = 12.dp),
        verticalAlignment = Alignment.CenterVertically,
    ) {
        Text(title, Modifier.semantics { heading() }, style = Look.lettering.title)
        Spacer(Modifier.width(8.dp))
        Text(count, Modifier.weight(1f), style = Look.lettering.small, color = Look.palette.faint)
        actions()
    }
}

/** A line between two parts of the window. */
@Composable
fun VerticalLine() = Box(Modifier.width(1.dp).fillMaxHeight().background(Look.palette.line))

/** A line between two parts of the window. */
@Composable
fun HorizontalLine(modifier: Modifier = Modifier) = Box(modifier.height(1.dp).fillMaxWidth().background(Look.palette.line))

/** Two lines of a list row: a title, and what there is to say about it. */
@Composable
fun RowText(title: String, below: String, modifier: Modifier = Modifier, faded: Boolean = false, lines: Int = 1, aside: String? = null) {
    val palette = Look.palette
    Column(modifier, verticalArrangement = Arrangement.spacedBy(2.dp)) {
        Row(horizontalArrangement = Arrangement.spacedBy(8.dp), verticalAlignment = Alignment.CenterVertically) {
            Text(
                title,
                Modifier.weight(1f),
                style = Look.lettering.strong,
                color = if (faded) palette.faint else palette.ink,
                maxLines = lines,
                overflow = TextOverflow.Ellipsis,
            )
            if (aside != null) Text(aside, style = Look.lettering.tiny, color = palette.faint, maxLines = 1)
        }
        if (below.isNotEmpty()) {
            Text(
                below,
                style = Look.lettering.small,
                color = palette.quiet,
                maxLines = 1,
                overflow = TextOverflow.Ellipsis,
            )
        }
    }
}

/** A word in a small coloured frame. */
@Composable
fun Chip(text: String, color: Color = Look.palette.quiet, icon: ImageVector? = null, modifier: Modifier = Modifier) {
    Row(
        modifier.background(color.copy(alpha = 0.12f), RoundedCornerShape(6.dp)).padding(horizontal = 7.dp, vertical = 2.dp),
        horizontalArrangement = Arrangement.spacedBy(4.dp),
        verticalAlignment = Alignment.CenterVertically,
    ) {
        if (icon != null) Icon(icon, null, Modifier.size(12.dp), tint = color)
        Text(text, style = Look.lettering.tiny, color = color, maxLines = 1)
    }
}
