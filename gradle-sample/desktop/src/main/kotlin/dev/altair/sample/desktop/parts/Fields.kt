package dev.altair.sample.desktop.parts

import androidx.compose.foundation.background
import androidx.compose.foundation.border
import androidx.compose.foundation.interaction.MutableInteractionSource
import androidx.compose.foundation.interaction.collectIsFocusedAsState
import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.height
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.shape.RoundedCornerShape
import androidx.compose.foundation.text.BasicTextField
import androidx.compose.foundation.text.input.InputTransformation
import androidx.compose.foundation.text.input.TextFieldLineLimits
import androidx.compose.foundation.text.input.TextFieldState
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.DisposableEffect
import androidx.compose.runtime.getValue
import androidx.compose.runtime.remember
import androidx.compose.runtime.staticCompositionLocalOf
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.focus.FocusDirection
import androidx.compose.ui.focus.onFocusChanged
import androidx.compose.ui.graphics.SolidColor
import androidx.compose.ui.input.key.Key
import androidx.compose.ui.input.key.KeyEvent
import androidx.compose.ui.input.key.KeyEventType
import androidx.compose.ui.input.key.isShiftPressed
import androidx.compose.ui.input.key.key
import androidx.compose.ui.input.key.onPreviewKeyEvent
import androidx.compose.ui.input.key.type
import androidx.compose.ui.platform.LocalFocusManager
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.semantics.contentDescription
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.text.TextStyle
import androidx.compose.ui.unit.dp
import dev.altair.sample.desktop.look.Look

/** Knows which text is being edited, so that Ctrl-Z means the text there and the last act everywhere else. */
class TextFocus {
    private var focused: TextFieldState? = null

    /** Whether there is text under the cursor. */
    val isEditing: Boolean get() = focused?.text?.isNotEmpty() == true

    /** Whether a text field has the focus. */
    val isFocused: Boolean get() = focused != null

    fun gained(field: TextFieldState) {
        focused = field
    }

    fun lost(field: TextFieldState) {
        if (focused === field) focused = null
    }
}

val LocalTextFocus = staticCompositionLocalOf { TextFocus() }

/** A text field without a frame. */
@Composable
fun BareField(
    state: TextFieldState,
    name: String,
    modifier: Modifier = Modifier,
    placeholder: String = "",
    style: TextStyle = Look.lettering.label,
    lines: TextFieldLineLimits = TextFieldLineLimits.SingleLine,
    source: MutableInteractionSource = remember { MutableInteractionSource() },
    enabled: Boolean = true,
    input: InputTransformation? = null,
) {
    val palette = Look.palette
    val focus = LocalTextFocus.current
    DisposableEffect(state) { onDispose { focus.lost(state) } }
    BasicTextField(
        state = state,
        modifier = modifier
            .onFocusChanged { if (it.isFocused) focus.gained(state) else focus.lost(state) }
            .semantics { contentDescription = name },
        enabled = enabled,
        inputTransformation = input,
        textStyle = style.copy(color = palette.ink),
        lineLimits = lines,
        interactionSource = source,
        cursorBrush = SolidColor(palette.accent),
        decorator = { field ->
            Box {
                if (state.text.isEmpty()) Text(placeholder, style = style, color = palette.faint, maxLines = 1)
                field()
            }
        },
    )
}

/** A text field in a frame. [onEnter] is called with Enter; [tag] is what tests know the field by. */
@Composable
fun FramedField(
    state: TextFieldState,
    name: String,
    tag: String,
    modifier: Modifier = Modifier,
    placeholder: String = "",
    onEnter: () -> Unit = {},
    wrong: Boolean = false,
    enabled: Boolean = true,
) {
    val palette = Look.palette
    val source = remember { MutableInteractionSource() }
    val focused by source.collectIsFocusedAsState()
    val border = when {
        wrong -> palette.trouble
        focused -> palette.accent
        else -> palette.line
    }
    Box(
        modifier
            .height(32.dp)
            .background(palette.raised, RoundedCornerShape(8.dp))
            .border(if (focused) 2.dp else 1.dp, border, RoundedCornerShape(8.dp))
            .padding(horizontal = 10.dp),
        contentAlignment = Alignment.CenterStart,
    ) {
        BareField(state, name, Modifier.fillMaxWidth().testTag(tag).onEnter(onEnter), placeholder, source = source, enabled = enabled)
    }
}

/** Calls [act] with Enter, before the field sees it. Shift-Enter is left to the field. */
fun Modifier.onEnter(act: () -> Unit): Modifier = onPreviewKeyEvent { event ->
    if (event.isEnter && !event.isShiftPressed) {
        if (event.type == KeyEventType.KeyDown) act()
        true
    } else {
        false
    }
}

/** Makes Tab leave a field of several lines, as it leaves every other; where [forward] is false, only Shift-Tab does. */
@Composable
fun Modifier.leftByTab(forward: Boolean = true): Modifier {
    val focus = LocalFocusManager.current
    return onPreviewKeyEvent { event ->
        val leaves = event.key == Key.Tab && (forward || event.isShiftPressed)
        if (leaves && event.type == KeyEventType.KeyDown) {
            focus.moveFocus(if (event.isShiftPressed) FocusDirection.Previous else FocusDirection.Next)
        }
        leaves
    }
}

val KeyEvent.isEnter: Boolean get() = key == Key.Enter || key == Key.NumPadEnter
