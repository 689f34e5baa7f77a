# sources of device/
