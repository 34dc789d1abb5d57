package dev.altair.sample.desktop.parts

import androidx.compose.foundation.background
import androidx.compose.foundation.clickable
import androidx.compose.foundation.hoverable
import androidx.compose.foundation.interaction.MutableInteractionSource
import androidx.compose.foundation.interaction.collectIsFocusedAsState
import androidx.compose.foundation.interaction.collectIsHoveredAsState
import androidx.compose.foundation.interaction.collectIsPressedAsState
import androidx.compose.foundation.shape.RoundedCornerShape
import androidx.compose.runtime.Composable
import androidx.compose.runtime.getValue
import androidx.compose.runtime.remember
import androidx.compose.ui.Modifier
import androidx.compose.ui.draw.clip
import androidx.compose.ui.draw.drawWithContent
import androidx.compose.ui.geometry.CornerRadius
import androidx.compose.ui.geometry.Offset
import androidx.compose.ui.geometry.Size
import androidx.compose.ui.graphics.Color
import androidx.compose.ui.graphics.compositeOver
import androidx.compose.ui.graphics.drawscope.Stroke
import androidx.compose.ui.input.InputMode
import androidx.compose.ui.platform.LocalInputModeManager
import androidx.compose.ui.semantics.Role
import androidx.compose.ui.unit.Dp
import androidx.compose.ui.unit.dp
import dev.altair.sample.desktop.look.Look

/** Makes something to press: it answers to the pointer with its colour and to the keyboard's focus with a ring. */
@Composable
fun Modifier.pressable(
    onPress: () -> Unit,
    enabled: Boolean = true,
    label: String? = null,
    role: Role = Role.Button,
    radius: Dp = 8.dp,
    fill: Color = Color.Transparent,
): Modifier {
    val source = remember { MutableInteractionSource() }
    val hovered by source.collectIsHoveredAsState()
    val pressed by source.collectIsPressedAsState()
    val palette = Look.palette
    val tint = when {
        !enabled -> fill
        pressed -> palette.hover.compositeOver(palette.hover.compositeOver(fill))
        hovered -> palette.hover.compositeOver(fill)
        else -> fill
    }
    return this
        .focusRing(source, radius)
        .clip(RoundedCornerShape(radius))
        .background(tint)
        .hoverable(source, enabled)
        .clickable(source, indication = null, enabled = enabled, onClickLabel = label, role = role, onClick = onPress)
}

/** Rings what has the keyboard's focus. A click leaves no ring. */
@Composable
fun Modifier.focusRing(source: MutableInteractionSource, radius: Dp): Modifier {
    val focused by source.collectIsFocusedAsState()
    return ring(focused && LocalInputModeManager.current.inputMode == InputMode.Keyboard, radius)
}

/** Draws the ring of focus, outside of the bounds so that nothing moves. */
@Composable
fun Modifier.ring(visible: Boolean, radius: Dp, gap: Dp = 1.dp): Modifier {
    if (!visible) return this
    val color = Look.palette.accent
    return drawWithContent {
        drawContent()
        val width = 2.dp.toPx()
        val out = gap.toPx() + width / 2
        drawRoundRect(
            color = color,
            topLeft = Offset(-out, -out),
            size = Size(size.width + 2 * out, size.height + 2 * out),
            cornerRadius = CornerRadius(radius.toPx() + out),
            style = Stroke(width),
        )
    }
}
