package dev.altair.sample.desktop.parts

import androidx.compose.foundation.LocalScrollbarStyle
import androidx.compose.foundation.ScrollState
import androidx.compose.foundation.ScrollbarStyle
import androidx.compose.foundation.VerticalScrollbar
import androidx.compose.foundation.lazy.LazyListState
import androidx.compose.foundation.rememberScrollbarAdapter
import androidx.compose.foundation.shape.RoundedCornerShape
import androidx.compose.runtime.Composable
import androidx.compose.ui.Modifier
import androidx.compose.ui.unit.dp
import dev.altair.sample.desktop.look.Look

/** A scrollbar that is hardly there until it is wanted. */
@Composable
fun Scrollbar(state: LazyListState, modifier: Modifier = Modifier) =
    VerticalScrollbar(rememberScrollbarAdapter(state), modifier, style = quietScrollbar())

/** A scrollbar that is hardly there until it is wanted. */
@Composable
fun Scrollbar(state: ScrollState, modifier: Modifier = Modifier) =
    VerticalScrollbar(rememberScrollbarAdapter(state), modifier, style = quietScrollbar())

@Composable
private fun quietScrollbar(): ScrollbarStyle = LocalScrollbarStyle.current.copy(
    thickness = 6.dp,
    shape = RoundedCornerShape(3.dp),
    unhoverColor = Look.palette.ink.copy(alpha = 0.10f),
    hoverColor = Look.palette.ink.copy(alpha = 0.35f),
)
