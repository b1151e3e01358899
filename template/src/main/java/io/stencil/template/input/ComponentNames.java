package io.stencil.template.input;

import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.PropertyNamingStrategies.NamingBase;

/// How a record component is called in JSON: `loraIds` is `lora_ids`; a name that begins with a capital stays (`R`).
final class ComponentNames extends NamingBase {

    private static final long serialVersionUID = 1L;

    private static final NamingBase SNAKE_CASE = (NamingBase) PropertyNamingStrategies.SNAKE_CASE;

    @Override
    public String translate(String component) {
        return component.isEmpty() || Character.isUpperCase(component.charAt(0))
                ? component
                : SNAKE_CASE.translate(component);
    }
}
